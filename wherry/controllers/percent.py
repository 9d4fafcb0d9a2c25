"""Pure: `maxSurge` and `maxUnavailable`, counts or percentages, as numbers of pods."""

from __future__ import annotations

import math


def scaled(value: int | str | None, total: int, *, round_up: bool) -> int:
    """Return a count, or that percentage of `total` pods; 0 for None. Validation has seen to it that text is one."""
    if value is None:
        return 0
    if isinstance(value, int):
        return value
    exact = int(value.rstrip("%")) * total / 100
    return math.ceil(exact) if round_up else math.floor(exact)
