"""How many seats a request takes: one, and more for a long list or a large body.

Source: apiserver pkg/util/flowcontrol/request (list_work_estimator.go), which has the same hundred and ten.
"""

from __future__ import annotations

MOST = 10
OBJECTS = 100
"""Of a list, for one seat."""
BYTES = 1 << 18
"""Of a body, for one seat."""


def of_list(count: int, limit: str) -> int:
    """Return the seats of a list of so many objects, or of a page of `limit` as the query has it."""
    if limit.isdecimal() and len(limit) < 10 and int(limit):
        count = min(count, int(limit))
    return min(1 + count // OBJECTS, MOST)


def of_body(length: int | None) -> int:
    """Return the seats of a body of so many bytes, None where that is not known."""
    return MOST if length is None else min(1 + length // BYTES, MOST)
