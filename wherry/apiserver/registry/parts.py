"""What a write may change: an object has parts, and each way to write it owns some of them.

Source: the strategies of kubernetes pkg/registry (PrepareForUpdate of each kind, its status and its finalize).
"""

from __future__ import annotations

from wherry.apiserver.kind import Kind
from wherry.apiserver.registry import serverfields
from wherry.objects import Object
from wherry.objects.metadata import copy

WHOLE = "*"
"""The part a subresource writes that may change anything: pods/binding."""

_IDENTITY = ("apiVersion", "kind")


def merged(kind: Kind, new: Object, old: Object, part: str) -> Object:
    """Return the private object to store: of `new`, which is private, what a write through `part` may change.

    `part` is "" for the object itself, "status", "spec" (a finalize subresource), one of the kind's `spec_parts`,
    `part_merges` or `status_parts`, or `WHOLE`. Metadata may be written through all but the first two of these, except
    for what the server owns and what the kind keeps from its status writers.
    """
    if merging := kind.part_merges.get(part):
        return merging.merge(new, old)
    if field := kind.spec_parts.get(part):
        return _with_field(old, new, "spec", field)
    if field := kind.status_parts.get(part):
        result = _with_field(old, new, "status", field)
    elif part in ("", WHOLE):
        result = dict(new)
        for key in _reserved(kind) if not part else ():
            _take(result, old, key)
    else:
        result = {key: new[key] for key in (*_IDENTITY, part) if key in new}
        result |= {key: copy(value) for key, value in old.items() if key not in (*_IDENTITY, "metadata", part)}
    result["metadata"] = serverfields.kept(new["metadata"], old["metadata"])
    if part == "status":
        for key in kind.status_keeps:
            _take(result["metadata"], old["metadata"], key)
    return result


def _with_field(old: Object, new: Object, of: str, field: str) -> Object:
    """Return a copy of `old` with one field of its spec or status as `new` has it."""
    result = copy(old)
    target = result.setdefault(of, {})
    target.pop(field, None)
    if (value := (new.get(of) or {}).get(field)) is not None:
        target[field] = value
    return result


def _reserved(kind: Kind) -> list[str]:
    """Return the parts that a write to the object itself leaves alone."""
    reserved = ["status"] if kind.has_status else []
    # What holds the object is the finalize subresource's to change.
    return [*reserved, "spec"] if kind.held is not None else reserved


def _take(target: Object, old: Object, key: str) -> None:
    """Give `target`, in place, what `old` has at `key`, if it has it."""
    target.pop(key, None)
    if key in old:
        target[key] = copy(old[key])
