"""Pure: `maxSurge` and `maxUnavailable`, counts or percentages, as numbers of pods."""

from __future__ import annotations

import math
import re

_percentage = re.compile(r"([0-9]{1,9})%", re.ASCII)


def scaled(value: int | str | None, total: int, *, round_up: bool) -> int:
    """Return a count, or that percentage of `total` pods; 0 for what is neither, as validation lets nobody write."""
    if isinstance(value, int):
        return value
    if not (match := _percentage.fullmatch(value or "")):
        return 0
    exact = int(match[1]) * total / 100
    return math.ceil(exact) if round_up else math.floor(exact)
