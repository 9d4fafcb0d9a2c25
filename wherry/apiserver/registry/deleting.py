"""What a delete makes of an object: nothing at once, or the same object with a deletion under way.

Source: apiserver pkg/registry/rest/delete.go (BeforeDelete), pkg/registry/generic/registry/store.go (finalizers).
"""

from __future__ import annotations

from wherry.apiserver.kind import Kind
from wherry.apiserver.registry import identity
from wherry.apiserver.registry.options import DeleteOptions
from wherry.objects import Object, timestamps

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"
_FINALIZERS = {"Orphan": ORPHAN, "Foreground": FOREGROUND}


def check_preconditions(kind: Kind, obj: Object, options: DeleteOptions) -> None:
    """Raise `Conflict` when the delete was meant for another object or another version."""
    meta = obj["metadata"]
    identity.check_precondition(kind, obj, "UID", options.uid, meta["uid"])
    identity.check_precondition(kind, obj, "ResourceVersion", options.resource_version, meta["resourceVersion"])


def begun(kind: Kind, obj: Object, options: DeleteOptions, now: float) -> Object | None:
    """Return `obj` with its deletion begun (`now` in seconds since the epoch), or None when nothing holds it back.

    The very object is returned when it is being deleted already and the request changes nothing about that.
    """
    grace = (kind.grace_period(obj, options.grace_period) if kind.grace_period else None) or 0
    meta = dict(obj["metadata"])
    meta["finalizers"] = _finalizers(meta.get("finalizers") or [], options.propagation)
    if not meta["finalizers"]:
        del meta["finalizers"]
    new = {**obj, "metadata": meta}
    if "deletionTimestamp" in meta:
        _shorten(meta, grace)
    else:
        meta["deletionTimestamp"] = timestamps.rfc3339(now + grace)
        meta["deletionGracePeriodSeconds"] = grace
        if "generation" in meta:
            meta["generation"] += 1
        if kind.deleting is not None:
            kind.deleting(new)
    if finished(kind, new):
        return None
    return obj if new == obj else new


def finished(kind: Kind, obj: Object) -> bool:
    """Return whether an object being deleted may go: no grace left, no finalizer, nothing else that holds it."""
    meta = obj["metadata"]
    return (
        "deletionTimestamp" in meta
        and not meta.get("deletionGracePeriodSeconds")
        and not meta.get("finalizers")
        and not (kind.held is not None and kind.held(obj))
    )


def _finalizers(current: list[str], propagation: str | None) -> list[str]:
    """Return the finalizers a propagation policy asks for; None leaves what is there."""
    if propagation is None:
        return current
    others = [f for f in current if f not in (ORPHAN, FOREGROUND)]
    return [*others, _FINALIZERS[propagation]] if propagation in _FINALIZERS else others


def _shorten(meta: Object, grace: int) -> None:
    """Bring the end of a running grace period forward, in place; it is never put off."""
    running = meta.get("deletionGracePeriodSeconds") or 0
    if grace < running:
        end = timestamps.parse(meta["deletionTimestamp"]) - running + grace
        meta["deletionTimestamp"] = timestamps.rfc3339(end)
        meta["deletionGracePeriodSeconds"] = grace
