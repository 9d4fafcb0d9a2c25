"""Lists that are sets or maps (`x-kubernetes-list-type`) have no element twice.

Source: apiextensions-apiserver pkg/apiserver/schema/listtype/validation.go.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from wherry.objects import fields
from wherry.objects.errors import FieldError
from wherry.objects.structural.walking import Schema, additional, items


def errors(value: Any, schema: Schema | None, path: str = "") -> Iterator[FieldError]:
    """Yield an error for the second of each element that stands in a set or map more than once."""
    if schema is None:
        return
    if isinstance(value, list):
        yield from _list(value, schema, path)
        for i, item in enumerate(value):
            yield from errors(item, items(schema), f"{path}[{i}]")
    elif isinstance(value, dict):
        properties, rest = schema.get("properties") or {}, additional(schema)
        for name, item in value.items():
            if name in properties:
                yield from errors(item, properties[name], f"{path}.{name}" if path else name)
            elif rest is not None:
                yield from errors(item, rest, f"{path}[{name}]")


def _list(value: Sequence[Any], schema: Schema, path: str) -> Iterator[FieldError]:
    match schema.get("x-kubernetes-list-type"):
        case "set":
            yield from _twice(value, path)
        case "map":
            for i, item in enumerate(value):
                if item is not None and not isinstance(item, dict):
                    yield fields.invalid(f"{path}[{i}]", item, "must be an object for an array of list-type map")
                    return
            keys = schema.get("x-kubernetes-list-map-keys") or ()
            yield from _twice([{k: item[k] for k in keys if k in item} for item in map(_object, value)], path)


def _object(item: Any) -> dict[str, Any]:
    return item or {}


def _twice(value: Sequence[Any], path: str) -> Iterator[FieldError]:
    seen: Counter[str] = Counter()
    for i, item in enumerate(value):
        known = json.dumps(item, sort_keys=True)
        seen[known] += 1
        if seen[known] == 2:
            yield fields.duplicate(f"{path}[{i}]", item)
