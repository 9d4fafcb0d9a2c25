"""One thing looked at."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """What was looked at, what is wrong with it ("" when nothing is), what to do; `said`: what is worth telling."""

    subject: str
    problem: str = ""
    advice: str = ""
    said: str = ""
