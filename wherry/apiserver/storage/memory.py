"""A store without a disk: for tests and for throw-away clusters. Same contract as the durable ones."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Sequence

from wherry.apiserver.storage.feed import Feed
from wherry.apiserver.storage.interface import Compacted, Entry, LogEntry, Snapshot, Stale, StorageError

LOG_LENGTH = 4096


class MemoryStorage:
    """A `Storage` in two Python containers. `log_length` bounds how far back a watch may start."""

    def __init__(self, log_length: int = LOG_LENGTH):
        self._entries: dict[str, Entry] = {}
        self._log: deque[LogEntry] = deque(maxlen=log_length)
        self._revision = 0
        self._feed = Feed()
        self._closed = False

    async def open(self) -> None:
        """Nothing to prepare."""

    async def close(self) -> None:
        """End watches; writes from now on fail."""
        self._closed = True
        self._feed.close()

    async def range(self, prefix: str = "") -> Snapshot:
        """Return all entries whose key starts with `prefix`."""
        return Snapshot(sorted(e for e in self._entries.values() if e.key.startswith(prefix)), self._revision)

    def put(self, key: str, value: bytes, expected: int) -> Awaitable[int]:
        """Write `value` and return its revision, if the key's revision is `expected`."""
        return self._write(key, value, expected)

    def delete(self, key: str, expected: int) -> Awaitable[int]:
        """Remove `key` and return the revision of the removal, if the key's revision is `expected`."""
        return self._write(key, None, expected)

    async def oldest(self) -> int:
        """Return the smallest `after` that `watch` still serves."""
        return self._log[0].revision - 1 if self._log else self._revision

    async def watch(self, after: int) -> AsyncIterator[Sequence[LogEntry]]:
        """Yield every write of a revision greater than `after`, in order."""
        oldest = await self.oldest()
        if after < oldest:
            raise Compacted(oldest)
        queue = self._feed.subscribe([entry for entry in self._log if entry.revision > after])
        async for batch in self._feed.follow(queue):
            yield batch

    def _write(self, key: str, value: bytes | None, expected: int) -> asyncio.Future[int]:
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        previous = self._entries.get(key)
        current = previous.revision if previous else 0
        if self._closed:
            done.set_exception(StorageError("the store is closed"))
        elif current != expected or (value is None and previous is None):
            done.set_exception(Stale(key, current))
        else:
            done.set_result(self._apply(key, value, previous))
        done.add_done_callback(lambda f: f.exception())  # an abandoned write's failure is nobody's
        return done

    def _apply(self, key: str, value: bytes | None, previous: Entry | None) -> int:
        self._revision += 1
        if value is None:
            del self._entries[key]
        else:
            self._entries[key] = Entry(key, value, self._revision)
        entry = LogEntry(self._revision, key, value, previous.value if previous else None)
        self._log.append(entry)
        self._feed.publish([entry])
        return self._revision
