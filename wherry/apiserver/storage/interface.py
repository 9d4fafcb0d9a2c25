"""The contract of a store: revisions, compare-and-swap, and a watch; shaped so that etcd's v3 API can stand behind it.

Every successful commit takes the next **revision**, a number that counts up over the whole store and never goes back;
by one, where nobody else is counted with. An entry's revision is that of the commit that last changed it: the
`mod_revision` of etcd, and an object's `metadata.resourceVersion`. All keys of one commit get the same revision, as in
an etcd transaction.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import NamedTuple, Protocol

PAGE_LENGTH = 512
"""Entries in a page of a range, unless asked for otherwise."""


NOTHING = ""
"""The key of a log entry that says only how far the store has come: whatever it counted there is none of its keys."""


class Write(NamedTuple):
    """One key of a commit: `value` None removes it; `expected` is its revision before (0: it must not exist)."""

    key: str
    value: bytes | None
    expected: int


class Entry(NamedTuple):
    """One current key: its value, and the revision that wrote it.

    Not `intact` means that the store gives other bytes than it was given, and knows it.
    """

    key: str
    value: bytes
    revision: int
    intact: bool = True


class LogEntry(NamedTuple):
    """What one commit did to one key: `value` None is a deletion, `previous` None a creation."""

    revision: int
    key: str
    value: bytes | None
    previous: bytes | None


class Page(NamedTuple):
    """Entries in key order, as they were at `revision`; `more`: others follow the last of them."""

    entries: Sequence[Entry]
    revision: int
    more: bool


class StorageError(Exception):
    """The store failed; the commit did not happen."""


class Damaged(StorageError):
    """What is stored cannot be read, or not all of it; no start without it helps."""


class NoSpace(StorageError):
    """There is no room; later there may be."""


class Stale(StorageError):
    """The compare-and-swap lost: the key's revision is `current` (0: it does not exist), not the one expected."""

    def __init__(self, key: str, current: int):
        super().__init__(f"{key} is at revision {current}")
        self.key = key
        self.current = current


class Compacted(StorageError):
    """The log no longer reaches back to the revision asked for; `oldest` is the first `after` that can be served."""

    def __init__(self, oldest: int):
        super().__init__(f"changes up to revision {oldest} are no longer kept")
        self.oldest = oldest


class Storage(Protocol):
    """A store of keys. All methods are for one event loop; `open` first, `close` last.

    Commits are *submitted* by the call and happened once the awaitable returns: from then on no crash of the process
    loses them. Dropping the awaitable does not take a commit back. A store in this process does them in the order of
    the calls; a `shared` one may swap what is submitted together, but never what has happened with what comes later.
    """

    shared: bool
    """Whether other processes write to it too: who wants the newest must have seen what `revision` says."""

    async def open(self) -> None:
        """Make the store ready; raises `StorageError` when it cannot be (no such directory, not a store, in use)."""
        ...

    async def close(self) -> None:
        """Finish submitted commits, end watches, and release everything."""
        ...

    async def range(self, prefix: str = "", *, after: str = "", limit: int = PAGE_LENGTH) -> Page:
        """Return the first `limit` entries whose key starts with `prefix` and is greater than `after`.

        A long range is read page by page, each as it is then. Whoever goes on with a watch from the first page's
        revision misses nothing, and skips what is not newer than the entry already read.
        """
        ...

    async def revision(self) -> int:
        """Return the newest revision: that of a commit, or one counted for something else (see `NOTHING`)."""
        ...

    @property
    def problem(self) -> str | None:
        """Why commits fail at present, if they do. What has been read goes on being true."""
        ...

    def commit(self, writes: Sequence[Write]) -> Awaitable[int]:
        """Do all of `writes` or none, and return the one revision they get.

        Raises `Stale` for the first key whose revision is not the one expected (a key that is not there cannot be
        removed), `StorageError` when the store failed. No writes, or two of one key, are a `ValueError`, as etcd
        refuses them.
        """
        ...

    async def oldest(self) -> int:
        """Return the smallest `after` that `watch` still serves."""
        ...

    async def outdated(self, key: str) -> bool:
        """Return whether what is kept under `key` would be kept otherwise if it were written now.

        Source: apiserver pkg/storage/value, `Transformer.TransformFromStorage` (stale).
        """
        ...

    def watch(self, after: int) -> AsyncIterator[Sequence[LogEntry]]:
        """Yield what every commit of a revision greater than `after` did, without a gap, in order, a batch at a time.

        A batch holds whole commits, and a commit appears only once it is durable. The iterator ends when the store is
        closed. Raises `Compacted` at once when the log has been trimmed beyond `after`.
        """
        ...


def check(writes: Sequence[Write]) -> None:
    """Raise `ValueError` for what no commit can be."""
    if not writes:
        raise ValueError("a commit without a write")
    if len({write.key for write in writes}) < len(writes):
        raise ValueError(f"a commit writes a key twice: {sorted(write.key for write in writes)}")
