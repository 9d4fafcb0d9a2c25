"""What no schema speaks of is dropped.

Source: apiextensions-apiserver pkg/apiserver/schema/pruning/algorithm.go.
"""

from __future__ import annotations

from typing import Any

from wherry.objects.metadata import copy
from wherry.objects.structural.walking import Schema, items

META = ("apiVersion", "kind", "metadata")
"""Fields of every object, whatever its schema says."""


def pruned(value: Any, schema: Schema | None, dropped: list[str], path: str = "", *, is_object: bool = False) -> Any:
    """Return a copy of `value` without what `schema` does not know; the paths of what went are added to `dropped`.

    `is_object`: the value is a whole object, whose `META` stays as it is.
    """
    if schema is not None and schema.get("x-kubernetes-preserve-unknown-fields"):
        return _preserved(value, schema, dropped, path, is_object)
    if isinstance(value, dict):
        return _fields(value, schema, dropped, path, is_object)
    if isinstance(value, list):
        inner = items(schema)
        return [pruned(item, inner, dropped, f"{path}[{i}]") for i, item in enumerate(value)]
    return value


def _fields(value: dict[str, Any], schema: Schema | None, dropped: list[str], path: str, is_object: bool) -> Any:
    if schema is None:
        dropped += [_join(path, name) for name in value]
        return {}
    result = {}
    keeps_meta = is_object or schema.get("x-kubernetes-embedded-resource")
    properties = schema.get("properties") or {}
    for name, item in value.items():
        place = _join(path, name)
        if keeps_meta and name in META:
            result[name] = copy(item)
        elif name in properties:
            result[name] = pruned(item, properties[name], dropped, place)
        elif (rest := schema.get("additionalProperties")) is not None:
            result[name] = pruned(item, rest if isinstance(rest, dict) else None, dropped, place)
        else:
            dropped.append(place)
    return result


def _preserved(value: Any, schema: Schema, dropped: list[str], path: str, is_object: bool) -> Any:
    """Return a copy in which only what has a schema of its own is pruned."""
    if isinstance(value, list):
        inner = items(schema)
        if inner is None:
            return copy(value)
        return [_preserved(item, inner, dropped, f"{path}[{i}]", False) for i, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    result = {}
    keeps_meta = is_object or schema.get("x-kubernetes-embedded-resource")
    properties, rest = schema.get("properties") or {}, schema.get("additionalProperties")
    for name, item in value.items():
        if name in properties and not (keeps_meta and name in META):
            result[name] = pruned(item, properties[name], dropped, _join(path, name))
        elif rest is not None and not (keeps_meta and name in META):
            result[name] = pruned(item, rest if isinstance(rest, dict) else None, dropped, _join(path, name))
        else:
            result[name] = copy(item)
    return result


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
