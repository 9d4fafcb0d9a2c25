"""Time that passes when nobody has anything to do: an hour of back-off takes no time, and means the same on every run.

For code without threads, processes and sockets: nothing outside the loop is waited for.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Impatient(selectors.DefaultSelector):
    """A selector that never waits; `skip` is told for how long it should have."""

    def __init__(self, loop: VirtualLoop):
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            self._loop.skip(timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose `time` jumps to the next timer."""

    _scheduled: list[asyncio.TimerHandle]
    _clock_resolution: float

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_Impatient(self))

    def time(self) -> float:
        return self._now

    def skip(self, seconds: float | None) -> None:
        if seconds is None:
            raise RuntimeError("everybody waits for something that nobody will do")
        self._now += seconds
        # asyncio runs timers that are due within its clock's resolution. One that finds itself run too early, and waits
        # for the rest, would do so for ever if the time stood still.
        if self._scheduled and self._scheduled[0].when() < self._now + self._clock_resolution:
            self._now = max(self._now, self._scheduled[0].when())


def in_virtual_time(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` in a loop of its own and return what it returns."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
