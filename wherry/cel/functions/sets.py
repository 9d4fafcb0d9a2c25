"""Lists as sets: `sets.contains`, `sets.equivalent`, `sets.intersects`."""

from __future__ import annotations

from typing import Any

from wherry.cel.functions.function import Function


def _contains(whole: list[Any], part: list[Any]) -> bool:
    return all(one in whole for one in part)


def _equivalent(a: list[Any], b: list[Any]) -> bool:
    return _contains(a, b) and _contains(b, a)


def _intersects(a: list[Any], b: list[Any]) -> bool:
    return any(one in b for one in a)


_LISTS = ["list(dyn)", "list(dyn)"]

FUNCTIONS = (
    Function("sets.contains", _LISTS, "bool", _contains, is_member=False),
    Function("sets.equivalent", _LISTS, "bool", _equivalent, is_member=False),
    Function("sets.intersects", _LISTS, "bool", _intersects, is_member=False),
)
