"""The recent changes of one resource, from which a watch can continue and an older list can be put together again."""

from __future__ import annotations

from bisect import bisect_right
from operator import attrgetter

from wherry.apiserver.state.change import Change, Key, LoggedChange
from wherry.objects import Object
from wherry.objects.errors import Expired

WINDOW_LENGTH = 1024
WINDOW_BYTES = 1024 * 1024
"""Of what is stored; objects in memory take four or five times as much."""

_revision = attrgetter("revision")


class Window:
    """The last changes after revision `start`, in order: about `length`, fewer when those are beyond `size` bytes."""

    def __init__(self, start: int, length: int = WINDOW_LENGTH, size: int = WINDOW_BYTES):
        self._start = start
        self._length = length
        self._size = size
        self._changes: list[Change] = []
        self._bytes = 0

    def append(self, change: Change) -> None:
        """Add the newest change; now and then forget the oldest ones."""
        self._changes.append(change)
        self._bytes += change.size
        if len(self._changes) >= 2 * self._length or self._bytes > 2 * self._size:
            self._forget()

    def _forget(self) -> None:
        """Keep no more than the newest `length` changes and `size` bytes, but one at least."""
        kept, size = 0, 0
        for change in reversed(self._changes[-self._length :]):
            size += change.size
            if kept and size > self._size:
                break
            kept += 1
        if forgotten := self._changes[:-kept]:
            self._start = forgotten[-1].revision
            del self._changes[:-kept]
        self._bytes = sum(change.size for change in self._changes)

    def since(self, revision: int) -> list[Change]:
        """Return the changes after `revision`; raises `Expired` when some are forgotten."""
        if revision < self._start:
            raise Expired(f"too old resource version: {revision} ({self._start})")
        return self._changes[bisect_right(self._changes, revision, key=_revision) :]

    def undone(self, revision: int) -> dict[Key, Object | None]:
        """Return, for each object changed after `revision`, what it was then (None: it was not there).

        Raises `Expired` beyond the start of this process too: of older states the log does not know the version.
        """
        before: dict[Key, Object | None] = {}
        for change in self.since(revision):
            if isinstance(change, LoggedChange):
                raise Expired(f"too old resource version: {revision} ({change.revision})")
            before.setdefault(change.key, change.old)
        return before
