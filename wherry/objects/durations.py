"""Durations as Go writes them: 1h30m, 250ms, -1.5s. Source: Go's time.ParseDuration."""

from __future__ import annotations

import re

LONGEST_SECONDS = 2**63 / 1e9
"""What one holds: nanoseconds in 64 bits."""
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}  # both mus
_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_WHOLE = re.compile(rf"[-+]?(?:0|(?:{_PART.pattern})+)")


def seconds(text: str) -> float:
    """Return a duration in seconds, below zero for one with a minus; raises ValueError for what is none."""
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration like 1m30s")
    size = sum((float(number) * _UNITS[unit] for number, unit in _PART.findall(text)), 0.0)
    if size >= LONGEST_SECONDS:
        raise ValueError(f"{text!r} is longer than a duration can be")
    return -size if text.startswith("-") else size
