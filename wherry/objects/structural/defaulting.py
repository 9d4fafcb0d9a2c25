"""What is missing is filled in, and a null that may not be one goes.

Source: apiextensions-apiserver pkg/apiserver/schema/defaulting (algorithm.go, prunenulls.go).
"""

from __future__ import annotations

from typing import Any

import msgspec

from wherry.objects.budget import Budget
from wherry.objects.metadata import copy
from wherry.objects.structural.walking import Schema, additional, items


def fill(value: Any, schema: Schema | None, budget: Budget) -> None:
    """Fill in the defaults of `schema`, in place; raises `OverBudget` once that would be too much."""
    if schema is None:
        return
    if isinstance(value, list):
        inner = items(schema)
        for i, item in enumerate(value):
            if inner is not None and _needs(item, inner):
                value[i] = _default(inner, budget)
            fill(value[i], inner, budget)
    elif isinstance(value, dict):
        _fill_object(value, schema, budget)


def _default(schema: Schema, budget: Budget) -> Any:
    """Return a copy of a default, which a short text may have asked for very often."""
    default = schema["default"]
    encoded = msgspec.json.encode(default)
    budget.spend(1 + encoded.count(b","), len(encoded))
    return copy(default)


def _fill_object(value: dict[str, Any], schema: Schema, budget: Budget) -> None:
    properties = schema.get("properties") or {}
    for name, inner in properties.items():
        if "default" in inner and (name not in value or _needs(value[name], inner)):
            value[name] = _default(inner, budget)
    rest = additional(schema)
    for name in list(value):
        inner = properties.get(name, rest)
        if inner is None:
            continue
        if _needs(value[name], inner):
            value[name] = _default(inner, budget)
        if value[name] is None and not inner.get("nullable"):
            del value[name]
        else:
            fill(value[name], inner, budget)


def _needs(value: Any, schema: Schema) -> bool:
    """Return whether a null stands where a default is given and none is allowed."""
    return value is None and not schema.get("nullable") and "default" in schema
