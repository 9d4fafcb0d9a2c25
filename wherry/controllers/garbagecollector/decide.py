"""Pure: what becomes of an object, given the fate of its owners."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from enum import Enum
from typing import NamedTuple

from wherry.objects import Object, metadata

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"


class Fate(Enum):
    """What is known of an owner."""

    ALIVE = "alive"
    GONE = "gone"
    WAITING = "waiting"  # being deleted in the foreground: it goes when its dependents are gone


class Verdict(NamedTuple):
    """Delete an object with `policy`, or (policy "") replace its ownerReferences; None: leave them."""

    policy: str = ""
    references: list[Object] | None = None


FateOf = Callable[[Object], Fate]


def finalizers(obj: Object) -> list[str]:
    """Return an object's finalizers."""
    return obj["metadata"].get("finalizers") or []


def references(obj: Object) -> list[Object]:
    """Return an object's ownerReferences."""
    return obj["metadata"].get("ownerReferences") or []


def is_deleting_dependents(obj: Object) -> bool:
    """Return whether the object waits for its dependents to be deleted."""
    return metadata.is_being_deleted(obj) and FOREGROUND in finalizers(obj)


def is_orphaning(obj: Object) -> bool:
    """Return whether the object waits for its dependents to be set free."""
    return metadata.is_being_deleted(obj) and ORPHAN in finalizers(obj)


def verdict(obj: Object, fate_of: FateOf, has_dependents: bool) -> Verdict:
    """Decide about an object with owners: one live owner keeps it, otherwise it goes."""
    owners = references(obj)
    if not owners or (metadata.is_being_deleted(obj) and not is_deleting_dependents(obj)):
        return Verdict()
    fates = [(r, fate_of(r)) for r in owners]
    alive = [r for r, fate in fates if fate is Fate.ALIVE]
    if alive:
        return Verdict(references=alive if len(alive) < len(owners) else None)
    if metadata.is_being_deleted(obj):
        return Verdict()
    if has_dependents and any(fate is Fate.WAITING for _, fate in fates):
        return Verdict(policy="Foreground")
    if ORPHAN in finalizers(obj):
        return Verdict(policy="Orphan")
    return Verdict(policy="Foreground" if FOREGROUND in finalizers(obj) else "Background")


def blocking(owner: Object, dependents: Sequence[Object]) -> list[Object]:
    """Return the dependents a foreground deletion of `owner` waits for."""
    uid = owner["metadata"]["uid"]
    return [d for d in dependents if any(r["uid"] == uid and r.get("blockOwnerDeletion") for r in references(d))]


def without_owner(obj: Object, uid: str) -> list[Object]:
    """Return an object's owners but the one with `uid`."""
    return [r for r in references(obj) if r["uid"] != uid]


def circle(obj: Object, dependents_of: Callable[[str], Iterable[Object]]) -> set[str]:
    """Return the uids of the owners that `obj` blocks though it waits for them itself, maybe by way of others.

    All are being deleted in the foreground, so that none would ever go. Upstream (attemptToDeleteItem) takes any two
    deletions in a row for a circle, and none where all members were deleted by hand; we follow it round.
    """
    waited_for: set[str] = set()
    ahead = [obj]
    while ahead:
        owner = ahead.pop()
        for dependent in blocking(owner, list(dependents_of(owner["metadata"]["uid"]))):
            uid = dependent["metadata"]["uid"]
            if uid not in waited_for and is_deleting_dependents(dependent):
                waited_for.add(uid)
                ahead.append(dependent)
    return {r["uid"] for r in references(obj) if r.get("blockOwnerDeletion")} & waited_for


def unblocked(obj: Object, owners: Set[str]) -> list[Object]:
    """Return an object's owners, those in `owners` with leave to go before it."""
    return [{**r, "blockOwnerDeletion": False} if r["uid"] in owners else r for r in references(obj)]
