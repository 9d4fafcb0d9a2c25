"""Reading and making object metadata: keys, owners, labels, conditions, deep copies.

Source of the shapes: k8s.io/apimachinery pkg/apis/meta/v1 types.go (ObjectMeta, OwnerReference, Condition).
"""

# No `from __future__ import annotations` here: it would claim the name of the function `annotations`.

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from wherry.objects import Object

T = TypeVar("T")

Key = tuple[str, str]
"""(namespace, name): what tells objects of one resource apart; the namespace is "" for cluster-scoped ones."""

_NO_STRINGS: Mapping[str, str] = {}


def copy(value: T) -> T:
    """Return a deep copy of a JSON value; leaves (strings, numbers) are shared, since they cannot change."""
    if isinstance(value, dict):
        return {k: copy(v) if isinstance(v, (dict, list)) else v for k, v in value.items()}  # type: ignore[return-value]
    if isinstance(value, list):
        return [copy(v) if isinstance(v, (dict, list)) else v for v in value]  # type: ignore[return-value]
    return value


def key(obj: Object) -> Key:
    """Return (namespace, name); the namespace of a cluster-scoped object is the empty string."""
    meta = obj.get("metadata") or {}
    return meta.get("namespace") or "", meta.get("name") or ""


def labels(obj: Object) -> Mapping[str, str]:
    """Return the object's labels, an empty mapping where it has none."""
    return (obj.get("metadata") or {}).get("labels") or _NO_STRINGS


def annotations(obj: Object) -> Mapping[str, str]:
    """Return the object's annotations, an empty mapping where it has none."""
    return (obj.get("metadata") or {}).get("annotations") or _NO_STRINGS


def age(obj: Object) -> tuple[str, str, str]:
    """Return a sort key: the oldest first, then by namespace and name; RFC 3339 in UTC sorts as text."""
    return ((obj.get("metadata") or {}).get("creationTimestamp") or "", *key(obj))


def is_being_deleted(obj: Object) -> bool:
    """Return whether deletion was asked for (the object may wait for finalizers or its grace period)."""
    return bool((obj.get("metadata") or {}).get("deletionTimestamp"))


def owner_reference(owner: Object, *, controller: bool = True, block: bool = True) -> Object:
    """Return the ownerReference that makes `owner` the (controlling) owner of an object.

    `block` sets blockOwnerDeletion: a foreground deletion of the owner waits for the object.
    """
    meta = owner["metadata"]
    reference: Object = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": meta["name"],
        "uid": meta["uid"],
    }
    if controller:
        reference["controller"] = True
    if block:
        reference["blockOwnerDeletion"] = True
    return reference


def controller_of(obj: Object) -> Object | None:
    """Return the ownerReference of the one owner that manages the object, or None."""
    references = (obj.get("metadata") or {}).get("ownerReferences") or ()
    return next((r for r in references if r.get("controller")), None)


def condition(obj: Object, type: str) -> Object | None:
    """Return the entry of `status.conditions` of that type, or None."""
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return next((c for c in conditions if c.get("type") == type), None)


def is_true(obj: Object, type: str) -> bool:
    """Return whether the condition of that type is there and "True"."""
    found = condition(obj, type)
    return found is not None and found.get("status") == "True"


def set_condition(
    conditions: Sequence[Object] | None, type: str, status: str, reason: str, message: str, now: str
) -> list[Object]:
    """Return the conditions with the one of `type` added or brought up to date; the input is not changed.

    `now` (RFC 3339) becomes lastTransitionTime only where `status` ("True", "False", "Unknown") differs from before.
    Fields of the old entry that are not named here (observedGeneration, lastProbeTime ...) stay.
    """
    wanted: dict[str, Any] = {"type": type, "status": status, "lastTransitionTime": now}
    for name, text in (("reason", reason), ("message", message)):
        if text:
            wanted[name] = text
    result = list(conditions or ())
    for i, old in enumerate(result):
        if old.get("type") == type:
            if old.get("status") == status and old.get("lastTransitionTime"):
                wanted["lastTransitionTime"] = old["lastTransitionTime"]
            kept = {k: v for k, v in old.items() if k not in ("reason", "message")}
            result[i] = kept | wanted
            return result
    result.append(wanted)
    return result
