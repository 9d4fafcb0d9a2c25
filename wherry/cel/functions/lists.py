"""Lists: `isSorted`, `sum`, `min`, `max`. `indexOf` is that of strings alone: cel-cpp lets nobody add to it."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

from wherry.cel.functions.function import Function


def _is_sorted(values: list[Any]) -> bool:
    return all(a <= b for a, b in pairwise(values))


def _sum(values: list[Any]) -> Any:
    start: Any = timedelta() if values and isinstance(values[0], timedelta) else 0
    return sum(values, start)


def _least(values: list[Any]) -> Any:
    return _extreme(min, "min", values)


def _greatest(values: list[Any]) -> Any:
    return _extreme(max, "max", values)


def _extreme(choose: Any, name: str, values: list[Any]) -> Any:
    if not values:
        raise ValueError(f"{name} called on empty list")
    return choose(values)


FUNCTIONS = (
    Function("isSorted", ["list(dyn)"], "bool", _is_sorted),
    Function("sum", ["list(dyn)"], "dyn", _sum),
    Function("min", ["list(dyn)"], "dyn", _least),
    Function("max", ["list(dyn)"], "dyn", _greatest),
)
