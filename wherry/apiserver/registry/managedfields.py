"""`metadata.managedFields`: every write tells who set which field.

A client that does not know the field must not lose it for others, and one that sends it may change it; through a
subresource nobody does. What is recorded here is what was asked for, with its defaults: what admission, a kind's own
rules and allocation add is nobody's. The rules of ownership are in `wherry.objects.apply`.
Source: apimachinery pkg/util/managedfields/internal (fieldmanager.go, buildmanagerinfo.go), apiserver
pkg/endpoints/handlers (create.go, update.go, patch.go).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial

from wherry.apiserver.catalog import Served
from wherry.apiserver.kind import Kind
from wherry.apiserver.registry.options import WriteOptions
from wherry.objects import Object, fields, timestamps
from wherry.objects.apply import managers, shapes, update
from wherry.objects.apply.element import field
from wherry.objects.apply.fieldset import FieldSet, within
from wherry.objects.apply.managers import Manager
from wherry.objects.apply.shape import Unkeyed
from wherry.objects.apply.update import Version, Write
from wherry.objects.conversion import struct
from wherry.objects.definitions import Type
from wherry.objects.errors import FieldError, InternalError

Entries = Sequence[Object]

UNKNOWN = "unknown"
"""The manager whose client told no name."""
LONGEST_NAME = 128
"""Bytes of a manager's name."""
LONGEST_SUBRESOURCE = 256
_STATUS, _METADATA = "f:status", "f:metadata"


def live(obj: Object | None) -> Entries:
    """Return the entries of a stored object."""
    found: Entries = obj["metadata"].get("managedFields") or () if obj else ()
    return found


def without(obj: Object) -> Object:
    """Return an object without its managed fields."""
    if "managedFields" not in obj["metadata"]:
        return obj
    return {**obj, "metadata": {name: value for name, value in obj["metadata"].items() if name != "managedFields"}}


def unless_same(obj: Object, before: Entries) -> Object:
    """Return an object as a client sent it, without managed fields that are as they were: they are known already."""
    sent = (obj.get("metadata") or {}).get("managedFields")
    return without(obj) if sent and (sent is before or sent == before) else obj


def after(asked: Entries | None, before: Entries, subresource: str) -> Entries:
    """Return the entries a write begins with that `asked` for some (None: it did not say).

    An empty list or one empty entry forgets them all; a list that cannot be understood is as good as none.
    """
    if subresource or asked is None or asked is before:
        return before
    if managers.is_reset(asked):
        return ()
    try:
        return managers.read(asked)
    except managers.Unreadable:
        return before


def recorded(write: Write, old: Object | None, new: Object, entries: Entries) -> Entries:
    """Return the entries after `old` (None: nothing) became `new`, both in the version of the write.

    An object that nobody's fields are known of stays such, until it is applied.
    """
    if old is not None and not entries:
        return ()
    managed = managers.of(entries)
    try:
        result = update.updated(write, write.empty if old is None else old, new, managed)
    except (Unkeyed, InternalError):
        # Neither lists of another shape nor versions that cannot be told are a reason to refuse a write.
        return entries
    return entries if result is managed else managers.ordered(result)


def write_of(served: Served, options: WriteOptions, part: str, operation: str, now: float) -> Write:
    """Return a write through `served` as the rules of ownership see it; `now` in seconds since the epoch."""
    version = served.resource.api_version
    manager = Manager(
        options.manager or UNKNOWN,
        operation,
        options.subresource,
        "" if operation == managers.APPLY else version,
    )
    return Write(
        manager=manager,
        version=version,
        time=timestamps.rfc3339(now),
        versions=partial(_version, served),
        empty=_empty(served),
        theirs=partial(_owned_through, served.kind, part),
    )


@lru_cache(maxsize=512)
def _version(served: Served, api_version: str) -> Version | None:
    """Return how objects of a kind look as another apiVersion of it."""
    for resource in served.kind.resources:
        if resource.api_version == api_version:
            other = served if resource == served.resource else Served(served.kind, resource)
            return Version(shapes.of(other.type), _converted(served, other), _converted(other, served))
    return None


def _converted(source: Served, target: Served) -> update.Convert:
    if source is target:
        return lambda obj: obj
    return lambda obj: target.from_storage(source.to_hub(obj))


def _empty(served: Served) -> Object:
    return served.type.once(_nothing) if isinstance(served.type, Type) else {}


def _nothing(type_: Type) -> Object:
    empty: Object = struct(type_)({}, [], "")
    return empty


def _owned_through(kind: Kind, part: str, owned: FieldSet) -> FieldSet:
    """Return what a write through `part` can own: what `parts.merged` lets it change.

    Source: the strategies of kubernetes pkg/registry (GetResetFields).
    """
    if merging := kind.part_merges.get(part):
        return within(owned, [tuple(step if step == "*" else field(step) for step in path) for path in merging.owns])
    if part == "status":
        return _of_status(kind, owned)
    if kind.has_status and _STATUS in owned:
        return {step: node for step, node in owned.items() if step != _STATUS}
    return owned


def _of_status(kind: Kind, owned: FieldSet) -> FieldSet:
    result = {step: node for step, node in owned.items() if step in (_STATUS, _METADATA)}
    if _METADATA in result:
        kept = {field(name) for name in kind.status_keeps}
        result[_METADATA] = {step: node for step, node in result[_METADATA].items() if step not in kept}
    return {step: node for step, node in result.items() if node or step == _STATUS}


def settled(entries: Entries, before: Entries) -> bool:
    """Return whether entries tell nothing that those before did not: at most another time."""
    if entries is before:
        return True
    return len(entries) == len(before) and all(map(_same_but_for_time, entries, before))


def _same_but_for_time(one: Object, other: Object) -> bool:
    return one is other or {**one, "time": None} == {**other, "time": None}


def problems(entries: Entries) -> list[FieldError]:
    """Return what is wrong with managers' names; source: apimachinery pkg/apis/meta/v1/validation."""
    errors = []
    for number, entry in enumerate(entries):
        errors += check_manager(f"metadata.managedFields[{number}].manager", entry.get("manager", ""))
        if len(entry.get("subresource", "").encode()) > LONGEST_SUBRESOURCE:
            errors.append(fields.too_long(f"metadata.managedFields[{number}].subresource", LONGEST_SUBRESOURCE))
    return errors


def check_manager(path: str, name: str) -> list[FieldError]:
    """Return what is wrong with the name of a manager."""
    if name.isprintable() and len(name) <= LONGEST_NAME // 4:  # as nearly all are
        return []
    errors = []
    if len(name.encode()) > LONGEST_NAME:
        errors.append(fields.too_long(path, LONGEST_NAME))
    for position, letter in enumerate(name):
        if not letter.isprintable():
            why = f"invalid character U+{ord(letter):04X} (at position {position})"
            errors.append(fields.invalid(path, name, why))
    return errors
