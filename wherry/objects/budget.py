"""How large a document may be for what it makes of itself: how deep, how many values, how many bytes.

Bytes are what a client pays for; values and depth are what the server pays. Whoever decodes what a client sent
looks at the budget before, or while, it decodes: afterwards the memory and the time are spent.
"""

from __future__ import annotations

import itertools
import re
from typing import Any

DEPTH = 128
"""Objects and lists in one another. The deepest that people write, the schemas of custom resources, have about 60."""
VALUES = 100_000
"""Objects, lists, strings, numbers of one document. A thousand endpoints in an Endpoints object are 10,000."""
BYTES = 3 * 1024 * 1024
"""A document as JSON: etcd's limit, and so what Kubernetes takes."""

PATHS = 32 * 1024 * 1024
"""Characters of all paths of a custom resource's values: whoever checks one builds the path of each."""

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_OPENING = b"[{"
_INDEXES = itertools.repeat("[1234]")


class OverBudget(ValueError):
    """A document is too deep, or has too many values or bytes; the text says which."""


class Budget:
    """What is left for one document that is read piece by piece."""

    __slots__ = ("_bytes", "_values")

    def __init__(self, values: int = VALUES, size: int = BYTES) -> None:
        self._values = values
        self._bytes = size

    def spend(self, values: int = 1, size: int = 0) -> None:
        """Take note of so many more; raises `OverBudget`."""
        self._values -= values
        self._bytes -= size
        if self._values < 0:
            raise OverBudget(f"exceeded max number of values: {VALUES}")
        if self._bytes < 0:
            raise OverBudget(f"exceeded max size: {BYTES} bytes")


def check_depth(depth: int) -> None:
    """Raise `OverBudget` for something so deep."""
    if depth > DEPTH:
        raise OverBudget(f"exceeded max depth: {DEPTH}")


def check_json(data: bytes | memoryview) -> None:
    """Raise `OverBudget` for a JSON text that is too deep or has too many values; nothing is decoded.

    What is no JSON passes, or not: whoever decodes it next finds out.
    """
    data = bytes(data)
    opened = data.count(b"{") + data.count(b"[")
    if opened <= DEPTH and len(data) <= 2 * VALUES:  # a value takes two bytes, with its comma
        return
    bare = _STRING.sub(b"", data)
    brackets = bare.translate(None, _NOT_BRACKETS)
    Budget().spend(bare.count(b",") + len(brackets) // 2)
    depth = 0
    for bracket in brackets:
        depth += 1 if bracket in _OPENING else -1
        check_depth(depth)


def check_paths(value: Any) -> None:
    """Raise `OverBudget` for a JSON value in which very long names lead to very many values."""
    left, level = PATHS, [(0, value)]
    while level:
        left -= sum(length for length, _ in level)
        if left < 0:
            raise OverBudget(f"exceeded max length of all field paths: {PATHS}")
        level = [
            (length + len(step), inner)
            for length, outer in level
            if isinstance(outer, dict | list)
            for step, inner in (outer.items() if isinstance(outer, dict) else zip(_INDEXES, outer, strict=False))
        ]


def check_value(value: Any) -> None:
    """Raise `OverBudget` for a JSON value that is too deep or has too many values; what is shared counts each time."""
    budget = Budget()
    level = [value]
    depth = 0
    while level:
        check_depth(depth)
        budget.spend(len(level))
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        depth += 1
