"""The forms a user-given value may have: every annotation and every ConfigMap option is read by one of these.

Each reader takes the text and returns a typed value, or raises `BadValue` saying what was expected. The forms are
closed sets: what they let through cannot end a string, a directive or a line of nginx.conf.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

_TRUE: Final = frozenset(("1", "t", "T", "true", "TRUE", "True"))
_FALSE: Final = frozenset(("0", "f", "F", "false", "FALSE", "False"))

_SIZE: Final = re.compile(r"[0-9]{1,9}[kKmMgG]?", re.ASCII)
_DURATION: Final = re.compile(r"[1-9][0-9]{0,5}(ms|s|m|h|d)?", re.ASCII)


class BadValue(ValueError):
    """The text is not of the form asked for; the message says what is."""


def boolean(text: str) -> bool:
    """Read a boolean in the spellings Go's `strconv.ParseBool` takes, as upstream does."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise BadValue('expected "true" or "false"')


def integer(low: int, high: int) -> Callable[[str], int]:
    """Return a reader of whole numbers from `low` to `high`."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text, re.ASCII) or not low <= int(text) <= high:
            raise BadValue(f"expected a whole number from {low} to {high}")
        return int(text)

    return read


seconds = integer(1, 999_999)
"""Read a number of seconds, without a unit."""


def size(text: str) -> str:
    """Read a size as nginx writes it: bytes, or with k, m or g; 0 means no limit."""
    if not _SIZE.fullmatch(text):
        raise BadValue('expected a size such as "8m": digits, then k, m, g or nothing')
    return text


def duration(text: str) -> str:
    """Read a duration as nginx writes it: a number with ms, s, m, h, d, or nothing for seconds."""
    if not _DURATION.fullmatch(text):
        raise BadValue('expected a duration such as "240s"')
    return text


def one_of(*choices: str) -> Callable[[str], str]:
    """Return a reader of one word among `choices`, compared as written."""

    def read(text: str) -> str:
        if text not in choices:
            raise BadValue(f"expected one of {', '.join(choices)}")
        return text

    return read


def words(allowed: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """Return a reader of one or more words among `allowed`, separated by blanks."""

    def read(text: str) -> tuple[str, ...]:
        found = tuple(text.split())
        if not found or not set(found) <= set(allowed):
            raise BadValue(f"expected words among {', '.join(allowed)}")
        return found

    return read
