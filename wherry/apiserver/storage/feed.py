"""Delivering committed changes to watchers, in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from wherry.apiserver.storage.interface import LogEntry

Batch = Sequence[LogEntry]


class Feed:
    """Fans batches out to subscribers; a subscriber that is slow costs memory, never time."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[Batch | None]] = set()
        self._closed = False

    def publish(self, batch: Batch) -> None:
        """Hand `batch` to every subscriber."""
        for queue in self._queues:
            queue.put_nowait(batch)

    def subscribe(self, first: Batch) -> asyncio.Queue[Batch | None]:
        """Return a queue that begins with `first` and goes on with whatever is published from now on."""
        queue: asyncio.Queue[Batch | None] = asyncio.Queue()
        if first:
            queue.put_nowait(first)
        if self._closed:
            queue.put_nowait(None)
        self._queues.add(queue)
        return queue

    async def follow(self, queue: asyncio.Queue[Batch | None]) -> AsyncIterator[Batch]:
        """Yield a subscription's batches until the feed closes; then, or when abandoned, drop it."""
        try:
            while (batch := await queue.get()) is not None:
                yield batch
        finally:
            self._queues.discard(queue)

    def close(self) -> None:
        """End every subscription after what was published."""
        self._closed = True
        for queue in self._queues:
            queue.put_nowait(None)
