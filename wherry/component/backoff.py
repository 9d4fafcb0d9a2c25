"""How long to wait after a failure. Pure: times are passed in, no clock is read."""

from __future__ import annotations

from dataclasses import dataclass

_MOST_DOUBLINGS = 60
"""Enough for any pause; what fails for weeks must not end in a number too large to compute with."""


@dataclass(slots=True)
class Backoff:
    """The pauses (seconds) after failures in a row: `first`, then twice as long each time, `longest` at most."""

    first: float
    longest: float
    failures: int = 0

    def failed(self) -> float:
        """Take note of a failure, and return the pause before the next try."""
        self.failures += 1
        return min(self.first * 2.0 ** min(self.failures - 1, _MOST_DOUBLINGS), self.longest)

    def reset(self) -> None:
        """Take note of a success: the next failure is the first."""
        self.failures = 0
