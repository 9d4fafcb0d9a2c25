"""The contract of a store: revisions, compare-and-swap, and a watch; shaped so that etcd's v3 API can stand behind it.

Every successful write takes the next **revision**, a number that counts up by one over the whole store and never goes
back. An entry's revision is that of the write that last changed it: the `mod_revision` of etcd, and an object's
`metadata.resourceVersion`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import NamedTuple, Protocol


class Entry(NamedTuple):
    """One current key: its value, and the revision that wrote it."""

    key: str
    value: bytes
    revision: int


class LogEntry(NamedTuple):
    """One write: `value` None is a deletion, `previous` None a creation."""

    revision: int
    key: str
    value: bytes | None
    previous: bytes | None


class Snapshot(NamedTuple):
    """Entries as they were, all at once, at `revision`, in key order."""

    entries: Sequence[Entry]
    revision: int


class StorageError(Exception):
    """The store failed; the write did not happen."""


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

    Writes are *submitted* by the call, in the order of the calls, and happened once the awaitable returns: from then on
    no crash of the process loses them. Dropping the awaitable does not take the write back.
    """

    async def open(self) -> None:
        """Make the store ready; raises `StorageError` when it cannot be (no such directory, not a store, in use)."""
        ...

    async def close(self) -> None:
        """Finish submitted writes, end watches, and release everything."""
        ...

    async def range(self, prefix: str = "") -> Snapshot:
        """Return all entries whose key starts with `prefix`."""
        ...

    def put(self, key: str, value: bytes, expected: int) -> Awaitable[int]:
        """Write `value` and return its revision, if the key's revision is `expected` (0: it must not exist).

        Raises `Stale` when it is not, `StorageError` when the store failed.
        """
        ...

    def delete(self, key: str, expected: int) -> Awaitable[int]:
        """Remove `key` and return the revision of the removal, if the key's revision is `expected`. Raises as `put`."""
        ...

    async def oldest(self) -> int:
        """Return the smallest `after` that `watch` still serves."""
        ...

    def watch(self, after: int) -> AsyncIterator[Sequence[LogEntry]]:
        """Yield every write of a revision greater than `after`, without a gap, in order, a batch at a time.

        A write appears only once it is durable. The iterator ends when the store is closed. Raises `Compacted` at once
        when the log has been trimmed beyond `after`.
        """
        ...
