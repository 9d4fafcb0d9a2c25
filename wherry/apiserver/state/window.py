"""The recent changes of each resource, from which a watch can continue and an older list can be put together again."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from operator import attrgetter

from wherry.apiserver.state.change import Change, Key, LoggedChange
from wherry.objects import Object
from wherry.objects.errors import Expired

WINDOWS_LENGTH = 8192
WINDOWS_BYTES = 4 * 1024 * 1024
"""Of what is stored; objects in memory take four or five times as much. The store's log keeps as much."""

_revision = attrgetter("revision")


class Windows:
    """The windows of a server. Together they keep the last `length` changes, fewer when those are beyond `size` bytes.

    The oldest go first, whoever's they are: a busy resource does not need a room for each of the others kept free, and
    one that is at rest has all that ever happened to it.
    """

    def __init__(self, length: int = WINDOWS_LENGTH, size: int = WINDOWS_BYTES):
        self._length = length
        self._size = size
        self._order: deque[tuple[Window, int, int]] = deque()  # whose, revision, bytes
        self._bytes = 0

    def open(self, start: int) -> Window:
        """Return a new window, of the changes after revision `start`."""
        return Window(start, self)

    def grown(self, window: Window, change: Change) -> None:
        """Count the newest change of a window, and forget the oldest ones; the newest stays, however large it is."""
        self._order.append((window, change.revision, change.size))
        self._bytes += change.size
        forgotten: dict[Window, int] = {}
        while len(self._order) > 1 and (len(self._order) > self._length or self._bytes > self._size):
            oldest, revision, size = self._order.popleft()
            self._bytes -= size
            forgotten[oldest] = revision
        for oldest, revision in forgotten.items():
            oldest.forget(revision)


class Window:
    """The changes of one resource after revision `start`, in order, as long as there is room for them in `windows`."""

    def __init__(self, start: int, windows: Windows):
        self._start = start
        self._windows = windows
        self._changes: list[Change] = []

    def append(self, change: Change) -> None:
        """Add the newest change."""
        self._changes.append(change)
        self._windows.grown(self, change)

    def forget(self, revision: int) -> None:
        """Forget the changes up to a revision."""
        del self._changes[: bisect_right(self._changes, revision, key=_revision)]
        self._start = revision

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
