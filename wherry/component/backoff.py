"""How long to wait after a failure. Pure: times are passed in, no clock is read."""

from __future__ import annotations

import math
from dataclasses import dataclass

_MOST_DOUBLINGS = 60
"""Enough for any pause; what fails for weeks must not end in a number too large to compute with."""


@dataclass(slots=True)
class Backoff:
    """The pauses (seconds) after failures in a row: `first`, then twice as long each time, `longest` at most.

    What ran for `calm` seconds before it failed starts from `first` again.
    """

    first: float
    longest: float
    calm: float = math.inf
    failures: int = 0

    def failed(self, lasted: float = 0.0) -> float:
        """Take note of a failure of what had run for `lasted` seconds, and return the pause before the next try."""
        if lasted >= self.calm:
            self.failures = 0
        self.failures += 1
        return min(self.first * 2.0 ** min(self.failures - 1, _MOST_DOUBLINGS), self.longest)

    def reset(self) -> None:
        """Take note of a success: the next failure is the first."""
        self.failures = 0
