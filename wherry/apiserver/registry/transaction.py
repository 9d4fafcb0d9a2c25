"""One change of one object, tried until nobody was faster.

    newest ─▶ attempt (may wait) ─▶ still the newest? ─▶ finish (does not wait) ─▶ commit
       ▲                                   │ no                                      │ lost
       └───────────────────────────────────┴─────────────────────────────────────────┘
An attempt that needs an object in a version which a webhook has yet to tell begins again, too, once that is told.

Nothing is held while an attempt waits: other objects are written meanwhile, and so is this one, which costs the attempt
another go. `finish` runs without interruption up to the commit's submission, so what it reads of other objects, commits
under way included, is still so when the commit is on its way.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple

from wherry.apiserver.kind import Kind, Unconverted
from wherry.apiserver.registry import claims, identity
from wherry.apiserver.state.change import Key
from wherry.apiserver.state.commit import Edit
from wherry.apiserver.state.state import State
from wherry.apiserver.storage.interface import Stale, StorageError
from wherry.objects import Object
from wherry.objects.errors import InternalError

ATTEMPTS = 32
"""How often a change is tried before its writer is told that others were faster."""

Finish = Callable[[], Object | None]
"""Return the object to store, None to remove it, or the very object there is to leave it alone."""

Attempt = Callable[[Object | None], Awaitable[Finish]]
"""Given the newest object, read-only (None: there is none), see to all that may wait. What it raises is passed on."""


class Outcome(NamedTuple):
    """An object as it is stored (of a dry run: would be), or the last state of one that is `gone`."""

    object: Object
    gone: bool = False


async def run(state: State, kind: Kind, key: Key, attempt: Attempt, *, dry_run: bool = False) -> Outcome:
    """Return what became of an object.

    Raises `Conflict` when others are always faster, `InternalError` when the store fails.
    """
    try:
        for _ in range(ATTEMPTS):
            current = await state.newest(kind, key)
            try:
                finish = await attempt(current)
                if not state.is_newest(kind, key, current):
                    continue
                new = finish()
            except Unconverted as error:
                await error.ask()
                continue
            if dry_run:
                return _unwritten(new, current)
            if new is current:
                if new is None or not await state.outdated(kind, key):
                    return _unwritten(new, current)
                if not state.is_newest(kind, key, current):
                    continue
                new = {**new, "metadata": {**new["metadata"]}}  # what is shared gets no other version
            claimed = claims.edits(state, kind, current, new, time.time())
            with suppress(Stale):
                return Outcome(await state.commit([Edit(kind, key, new), *claimed]), new is None)
    except StorageError as error:
        raise InternalError.of(str(error)) from error
    raise identity.modified(kind, key[1])


def _unwritten(new: Object | None, current: Object | None) -> Outcome:
    if new is not None:
        return Outcome(new)
    assert current is not None  # nothing is removed that is not there
    return Outcome(current, True)
