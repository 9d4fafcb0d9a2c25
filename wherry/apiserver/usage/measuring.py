"""What nodes use, measured for who asks, and kept for a while for who asks next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from wherry.apiserver.usage.rates import Measured, Sample, between
from wherry.objects import Object

FRESH_SECONDS = 10.0
"""What is younger than this is answered again."""
OLDEST_SECONDS = 120.0
"""A mean over more than that says nothing of now."""
FIRST_WINDOW_SECONDS = 1.0

Look = Callable[[Object], Awaitable[Sample | None]]


class _Node:
    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.sample: Sample | None = None
        self.measured: Measured | None = None


class Measuring:
    """Measures nodes by two looks at their counters."""

    def __init__(self, look: Look, clock: Callable[[], float]):
        self._look = look
        self._clock = clock
        self._nodes: dict[str, _Node] = {}

    async def of(self, nodes: Iterable[Object]) -> dict[str, Measured]:
        """Return what the containers of each node, by name, have used of late; without those that do not answer."""
        wanted = {node["metadata"]["name"]: node for node in nodes}
        found = await asyncio.gather(*(self._measured(name, node) for name, node in wanted.items()))
        return {name: measured for name, measured in zip(wanted, found, strict=True) if measured is not None}

    def forget(self, existing: Iterable[str]) -> None:
        """Forget every node but those."""
        self._nodes = {name: self._nodes[name] for name in existing if name in self._nodes}

    async def _measured(self, name: str, node: Object) -> Measured | None:
        kept = self._nodes.setdefault(name, _Node())
        async with kept.lock:
            if kept.measured is not None and 0 <= self._clock() - kept.measured.at < FRESH_SECONDS:
                return kept.measured
            old = kept.sample
            if old is None or not 0 < self._clock() - old.at < OLDEST_SECONDS:
                old = await self._look(node)
                await asyncio.sleep(FIRST_WINDOW_SECONDS if old is not None else 0)
            new = await self._look(node) if old is not None else None
            kept.sample = new
            kept.measured = between(old, new) if old is not None and new is not None else None
            return kept.measured
