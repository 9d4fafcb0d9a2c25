"""Who has much to do gives way to the others of its process now and then: the API server, above all."""

from __future__ import annotations

import asyncio
import time

TURN_SECONDS = 0.005
"""How long a task may work before it gives way. An await that need not wait does not give way by itself."""


class Turns:
    """A long piece of work, in turns: `await turns.give_way()` between two steps."""

    def __init__(self) -> None:
        self._end = time.monotonic() + TURN_SECONDS

    async def give_way(self) -> None:
        """Let everybody else that is ready run once, if this turn has lasted long enough."""
        if time.monotonic() >= self._end:
            await asyncio.sleep(0)
            self._end = time.monotonic() + TURN_SECONDS
