"""Durations as the Corefile writes them: 5s, 1m30s, 250ms (Go's time.ParseDuration, without the small units)."""

from __future__ import annotations

import re

from wherry.dns.corefile import Directive

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")


def seconds(text: str, directive: Directive) -> float:
    """Return a duration in seconds; a bare number means seconds. Raises CorefileError."""
    if text.isdigit():
        return float(text)
    if not text or PART.sub("", text):
        raise directive.error(f"{text!r} is not a duration like 5s")
    return sum(float(number) * UNITS[unit] for number, unit in PART.findall(text))
