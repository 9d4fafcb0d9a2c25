"""Quantities: `quantity`, `isQuantity`, arithmetic. Comparing is shared with versions."""

from __future__ import annotations

from typing import Any

from wherry.cel import opaque
from wherry.cel.functions.function import Function
from wherry.objects import quantity
from wherry.objects.quantity import NANO


def _of(nano: int) -> Any:
    return opaque.wrap(opaque.QUANTITY, str(nano))


def _parse(text: str) -> Any:
    return _of(quantity.parse(text).nano)


def nano(value: Any) -> int:
    """Return a quantity, or a whole number, in billionths."""
    return value * NANO if isinstance(value, int) else int(opaque.text(value, opaque.QUANTITY))


def _is_quantity(text: str) -> bool:
    try:
        quantity.parse(text)
    except ValueError:
        return False
    return True


def _is_integer(value: Any) -> bool:
    return nano(value) % NANO == 0 and -(1 << 63) <= nano(value) // NANO < 1 << 63


def _as_integer(value: Any) -> int:
    if not _is_integer(value):
        raise ValueError("cannot convert value to integer")
    return nano(value) // NANO


def _sign(value: Any) -> int:
    return (nano(value) > 0) - (nano(value) < 0)


def _add(a: Any, b: Any) -> Any:
    return _of(nano(a) + nano(b))


def _sub(a: Any, b: Any) -> Any:
    return _of(nano(a) - nano(b))


FUNCTIONS = (
    Function("quantity", ["string"], "Quantity", _parse, is_member=False),
    Function("isQuantity", ["string"], "bool", _is_quantity, is_member=False),
    Function("sign", ["Quantity"], "int", _sign),
    Function("isInteger", ["Quantity"], "bool", _is_integer),
    Function("asInteger", ["Quantity"], "int", _as_integer),
    Function("asApproximateFloat", ["Quantity"], "double", lambda value: nano(value) / NANO),
    Function("add", ["Quantity", "Quantity"], "Quantity", _add),
    Function("add", ["Quantity", "int"], "Quantity", _add),
    Function("sub", ["Quantity", "Quantity"], "Quantity", _sub),
    Function("sub", ["Quantity", "int"], "Quantity", _sub),
)
