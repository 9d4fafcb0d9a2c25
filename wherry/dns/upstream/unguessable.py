"""Numbers nobody can guess who has seen the ones before (RFC 5452 section 9): the kernel's, some at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator

AT_ONCE = 4096  # bytes


def _pairs() -> Iterator[bytes]:
    while True:
        pool = os.urandom(AT_ONCE)
        for at in range(0, AT_ONCE, 2):
            yield pool[at : at + 2]


two_bytes = _pairs().__next__
"""Return two random bytes: a message's id."""


def below(number: int) -> int:
    """Return a number from 0 up to, but not, `number`, which is far smaller than 65,536."""
    return int.from_bytes(two_bytes(), "big") % number
