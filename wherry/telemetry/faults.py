"""Exceptions in a log: told once and short; the same one again is counted. Pure.

A fault that happens with every request fills a disk with what nobody reads twice.
"""

from __future__ import annotations

import traceback
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

FRAMES = 8
"""The last ones of a traceback: where it happened."""
MOST_BYTES = 4096
LONGEST_LINE = 300
GROUP = 3
"""How many exceptions of a group are told, and how deep."""
SECONDS_BETWEEN = 60.0
MEMORY = 256
"""Faults that are told apart."""


def short(error: BaseException) -> str:
    """Return an exception's traceback with its causes, of bounded length."""
    told = traceback.TracebackException(
        type(error),
        error,
        error.__traceback__,
        limit=-FRAMES,
        compact=True,
        max_group_width=GROUP,
        max_group_depth=GROUP,
    )
    text = "\n".join(cut(line, LONGEST_LINE) for part in told.format() for line in part.splitlines())
    if len(text) <= MOST_BYTES:
        return text
    return f"{text[: MOST_BYTES // 4]}\n…\n{text[-MOST_BYTES * 3 // 4 :]}"


def cut(text: str, length: int) -> str:
    """Return a text, of a longer one the beginning."""
    return text if len(text) <= length else f"{text[:length]}… ({len(text)} characters)"


def place(error: BaseException) -> Hashable:
    """Return what makes two faults the same: their type, and where they were raised; of a group, the first of it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return type(error), (at.tb_frame.f_code.co_filename, at.tb_lineno) if at is not None else str(error)


@dataclass(slots=True)
class _Seen:
    told: float
    untold: int = 0


class Faults:
    """What has been told already."""

    def __init__(self) -> None:
        self._seen: OrderedDict[Hashable, _Seen] = OrderedDict()

    def note(self, fault: Hashable, now: float) -> int | None:
        """Return how often a fault was seen since it was told last, 0 for a new one; None: say nothing this time.

        `now` is in seconds. A fault is told whole once, and once a minute that it goes on.
        """
        seen = self._seen.get(fault)
        if seen is None:
            self._seen[fault] = _Seen(now)
            if len(self._seen) > MEMORY:
                self._seen.popitem(last=False)
            return 0
        self._seen.move_to_end(fault)
        seen.untold += 1
        if now - seen.told < SECONDS_BETWEEN:
            return None
        count, seen.untold, seen.told = seen.untold, 0, now
        return count
