"""What an update changes: the parts its subresource owns, nothing of the server's, nothing a kind forbids."""

from __future__ import annotations

from wherry.apiserver.admission import Admission
from wherry.apiserver.catalog import Served
from wherry.apiserver.kind import Context, Kind
from wherry.apiserver.kinds.common import objectmeta
from wherry.objects import Object
from wherry.objects.errors import BadRequest, Conflict

WHOLE = "*"
"""The part a subresource writes that may change anything: pods/binding."""

MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"
_SERVER_OWNED = (
    "uid",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generateName",
    "resourceVersion",
)


def check_preconditions(kind: Kind, new: Object, old: Object) -> None:
    """Raise `Conflict` when `new` was made from another version, or of another object of the same name."""
    meta, current = new["metadata"], old["metadata"]
    plural, group = kind.plural, kind.resource.group
    if meta.get("uid") and meta["uid"] != current["uid"]:
        why = f"Precondition failed: UID in precondition: {meta['uid']}, UID in object meta: {current['uid']}"
        raise Conflict.of(plural, current["name"], why, group)
    version = meta.get("resourceVersion")
    if version and version not in ("0", current["resourceVersion"]):
        raise Conflict.of(plural, current["name"], MODIFIED, group)


def check_name(new: Object, key: tuple[str, str]) -> None:
    """Raise `BadRequest` when the body names another object than the URL."""
    meta = new["metadata"]
    namespace, name = key
    if meta.setdefault("name", name) != name:
        raise BadRequest(f"the name of the object ({meta['name']}) does not match the name on the URL ({name})")
    if namespace and meta.setdefault("namespace", namespace) != namespace:
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")


def merged(kind: Kind, new: Object, old: Object, part: str) -> Object:
    """Return the private object to store: of `new` only what a write through `part` may change.

    `part` is "" for the object itself, "status", "spec" (a finalize subresource), or `WHOLE`.
    """
    if part == WHOLE:
        return new
    if part:
        kept = dict(old)
        kept.pop(part, None)
        return kept | ({part: new[part]} if part in new else {})
    result = dict(new)
    if kind.has_status:
        result.pop("status", None)
        if "status" in old:
            result["status"] = old["status"]
    if kind.held is not None:  # what holds the object is the finalize subresource's to change
        result["spec"] = old["spec"]
    meta = {k: v for k, v in new["metadata"].items() if k not in _SERVER_OWNED and k != "managedFields"}
    meta |= {k: old["metadata"][k] for k in _SERVER_OWNED if k in old["metadata"]}
    result["metadata"] = meta
    return result


def complete(served: Served, obj: Object, old: Object, part: str, context: Context, admission: Admission) -> None:
    """Default, admit and check the private object `obj` that is to replace `old`, in place; raises `Invalid`.

    The kind's rules for updates do not hold for `WHOLE`, which exists to do what they forbid.
    """
    kind = served.kind
    if kind.default is not None:
        kind.default(obj)
    admission.admit(kind, obj, old, context)
    if kind.admit is not None:
        kind.admit(obj, old, context)
    errors = objectmeta.validate_update(obj, old)
    if kind.validate is not None:
        errors += kind.validate(obj)
    if kind.validate_update is not None and part != WHOLE:
        errors += kind.validate_update(obj, old)
    if errors:
        raise served.invalid(old["metadata"]["name"], errors)
    if kind.generation and obj.get("spec") != old.get("spec"):
        obj["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
