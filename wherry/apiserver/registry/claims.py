"""What only one object may have: written and released in one commit with the object that has it.

A claim is an object too, of a kind that a `Kind` names in `claim_kinds`, under a name only one can have. Its commit
says "must not exist", so of two writers, or two servers on one store, one succeeds; the other begins again and finds
the claim taken.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress

from wherry.apiserver.kind import Claim, Kind
from wherry.apiserver.registry import serverfields
from wherry.apiserver.state.change import Key
from wherry.apiserver.state.commit import Edit
from wherry.apiserver.state.state import State
from wherry.apiserver.storage.interface import Stale
from wherry.objects import Object, metadata
from wherry.objects.errors import Conflict

log = logging.getLogger(__name__)

_Place = tuple[Kind, Key]


def edits(state: State, kind: Kind, old: Object | None, new: Object | None, now: float) -> list[Edit]:
    """Return what a commit that makes `new` of `old` does to their claims; `now` in seconds since the epoch.

    Raises `Conflict` for a claim that another object holds: its kind's hooks should have seen that.
    """
    if kind.claims is None:
        return []
    before, after = _placed(kind, old), _placed(kind, new)
    found = [Edit(*place, None) for place in before.keys() - after.keys() if _is_ours(state, place, before[place])]
    for place, claim in after.items():
        held = state.collection(claim.kind).latest(place[1])
        if held is None:
            found.append(Edit(*place, _made(claim, now)))
        elif not _same_holder(held, claim):
            assert new is not None  # it has claims
            why = f"{claim.kind.kind} {place[1][1]} is held by another object"
            raise Conflict.of(kind.plural, new["metadata"]["name"], why, kind.resource.group)
    return found


async def restore(state: State, kinds: Iterable[Kind], now: float) -> None:
    """Make the claims agree with the stored objects: at the start, since earlier versions stored none.

    Where two objects have the same, the first keeps it, and a warning says so. Claims that are served have a controller
    to release them. Raises `StorageError`.
    """
    kinds = list(kinds)
    for kind in kinds:
        for obj in list(state.collection(kind).items()) if kind.claims else ():
            try:
                if missing := edits(state, kind, obj, obj, now):
                    await state.commit(missing)
            except Conflict as error:
                log.warning("%s", error)
            except Stale:
                pass  # another server does the same
        if kind.claims:
            await _release_orphans(state, kind, [claimed for claimed in kind.claim_kinds if claimed not in kinds])


async def _release_orphans(state: State, kind: Kind, claim_kinds: Iterable[Kind]) -> None:
    """Remove the claims whose holder does not exist or has them no more: a store that was repaired may have such."""
    wanted = {place: claim for obj in state.collection(kind).items() for place, claim in _placed(kind, obj).items()}
    for claimed in claim_kinds:
        for held in list(state.collection(claimed).items()):
            claim = wanted.get((claimed, metadata.key(held)))
            if claim is None or not _same_holder(held, claim):
                log.warning("released, since nothing holds it: %s %s", claimed.kind, metadata.key(held)[1])
                with suppress(Stale):
                    await state.commit([Edit(claimed, metadata.key(held), None)])


def _placed(kind: Kind, obj: Object | None) -> dict[_Place, Claim]:
    if obj is None or kind.claims is None:
        return {}
    return {(claim.kind, metadata.key(claim.object)): claim for claim in kind.claims(obj)}


def _is_ours(state: State, place: _Place, claim: Claim) -> bool:
    held = state.collection(claim.kind).latest(place[1])
    return held is not None and _same_holder(held, claim)


def _same_holder(held: Object, claim: Claim) -> bool:
    same: bool = held["spec"]["parentRef"] == claim.object["spec"]["parentRef"]
    return same


def _made(claim: Claim, now: float) -> Object:
    obj = metadata.copy(claim.object)
    serverfields.give(claim.kind, obj["metadata"], now)
    return obj
