"""Reading what is newest in a store that others write to as well.

A request has to see everything that had been answered to anybody before it came. So the store is asked how far it is,
and what is followed has to come as far. Requests that come while the store is being asked share the next question.
Source: KEP-2340, "Consistent reads from cache".
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Freshness:
    """Says when what is followed is not older than the question; `newest` asks the store, `caught_up` waits."""

    def __init__(self, newest: Callable[[], Awaitable[int]], caught_up: Callable[[int], Awaitable[None]]):
        self._newest = newest
        self._caught_up = caught_up
        self._under_way: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None

    async def wait(self) -> None:
        """Return once everything that was in the store before the call is visible; raises what both raise."""
        if self._next is None:
            self._next = asyncio.create_task(self._ask(self._under_way))
            self._next.add_done_callback(_look)
        await asyncio.shield(self._next)

    async def _ask(self, earlier: asyncio.Task[None] | None) -> None:
        if earlier is not None:
            await asyncio.wait([earlier])
        self._under_way, self._next = self._next, None
        await self._caught_up(await self._newest())


def _look(done: asyncio.Task[None]) -> None:
    """Nobody may be left to hear of a failure."""
    if not done.cancelled():
        done.exception()
