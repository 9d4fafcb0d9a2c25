"""Growing pauses between attempts, per key."""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple


class _Attempt(NamedTuple):
    pause: float
    at: float


class Backoff:
    """Pauses of `first` seconds, doubled with every attempt up to `longest`; forgotten after twice the longest."""

    def __init__(self, first: float, longest: float):
        self._first = first
        self._longest = longest
        self._attempts: dict[Hashable, _Attempt] = {}

    def left(self, key: Hashable, now: float) -> float:
        """Return the seconds until the next attempt is due; 0: now."""
        last = self._attempts.get(key)
        return 0.0 if last is None else max(0.0, last.at + last.pause - now)

    def note(self, key: Hashable, now: float) -> None:
        """Take note of an attempt."""
        self._attempts = {k: a for k, a in self._attempts.items() if now - a.at <= 2 * self._longest}
        last = self._attempts.get(key)
        pause = self._first if last is None else min(last.pause * 2, self._longest)
        self._attempts[key] = _Attempt(pause, now)
