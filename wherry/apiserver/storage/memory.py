"""A store without a disk: for tests and for throw-away clusters. Same contract as the durable ones."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Sequence
from itertools import chain

from wherry.apiserver.storage import interface
from wherry.apiserver.storage.feed import Feed
from wherry.apiserver.storage.interface import (
    PAGE_LENGTH,
    Compacted,
    Entry,
    LogEntry,
    Page,
    Stale,
    StorageError,
    Write,
)

LOG_LENGTH = 4096


class MemoryStorage:
    """A `Storage` in two Python containers. `log_length` (commits) bounds how far back a watch may start."""

    shared = False

    def __init__(self, log_length: int = LOG_LENGTH):
        self._entries: dict[str, Entry] = {}
        self._log: deque[list[LogEntry]] = deque(maxlen=log_length)
        self._revision = 0
        self._feed = Feed()
        self._closed = False

    async def open(self) -> None:
        """Nothing to prepare."""

    @property
    def problem(self) -> str | None:
        """Nothing fails here."""
        return None

    async def close(self) -> None:
        """End watches; commits from now on fail."""
        self._closed = True
        self._feed.close()

    async def range(self, prefix: str = "", *, after: str = "", limit: int = PAGE_LENGTH) -> Page:
        """Return the first `limit` entries whose key starts with `prefix` and is greater than `after`."""
        found = sorted(e for e in self._entries.values() if e.key.startswith(prefix) and e.key > after)
        return Page(found[:limit], self._revision, len(found) > limit)

    async def revision(self) -> int:
        """Return that of the last commit."""
        return self._revision

    def commit(self, writes: Sequence[Write]) -> Awaitable[int]:
        """Do all of `writes` or none, and return the one revision they get."""
        interface.check(writes)
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        done.add_done_callback(lambda f: f.exception())  # an abandoned commit's failure is nobody's
        if self._closed:
            done.set_exception(StorageError("the store is closed"))
        elif (stale := self._stale(writes)) is not None:
            done.set_exception(stale)
        else:
            done.set_result(self._apply(writes))
        return done

    async def oldest(self) -> int:
        """Return the smallest `after` that `watch` still serves."""
        return self._log[0][0].revision - 1 if self._log else self._revision

    async def outdated(self, key: str) -> bool:
        """Nothing would: values are kept as they are."""
        return False

    async def watch(self, after: int) -> AsyncIterator[Sequence[LogEntry]]:
        """Yield what every commit of a revision greater than `after` did, in order."""
        oldest = await self.oldest()
        if after < oldest:
            raise Compacted(oldest)
        queue = self._feed.subscribe([entry for entry in chain(*self._log) if entry.revision > after])
        async for batch in self._feed.follow(queue):
            yield batch

    def _stale(self, writes: Sequence[Write]) -> Stale | None:
        """Return why `writes` cannot be, if they cannot."""
        for key, value, expected in writes:
            entry = self._entries.get(key)
            current = entry.revision if entry else 0
            if current != expected or (value is None and entry is None):
                return Stale(key, current)
        return None

    def _apply(self, writes: Sequence[Write]) -> int:
        self._revision += 1
        commit = [self._apply_one(key, value) for key, value, _ in writes]
        self._log.append(commit)
        self._feed.publish(commit)
        return self._revision

    def _apply_one(self, key: str, value: bytes | None) -> LogEntry:
        previous = self._entries.pop(key, None)
        if value is not None:
            self._entries[key] = Entry(key, value, self._revision)
        return LogEntry(self._revision, key, value, previous.value if previous else None)
