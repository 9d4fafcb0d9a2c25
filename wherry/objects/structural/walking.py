"""Every schema within a schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

_LISTS = ("allOf", "anyOf", "oneOf")
_MAPS = ("properties", "patternProperties", "definitions", "dependencies")
_ONE = ("items", "not", "additionalProperties", "additionalItems")


def schemas(schema: Schema) -> Iterator[Schema]:
    """Yield `schema` and every one in it, however deep, those in `allOf` and its kin included."""
    yield schema
    inner = [schema.get(key) for key in _ONE]
    inner += [one for key in _LISTS for one in schema.get(key) or ()]
    inner += [one for key in _MAPS for one in (schema.get(key) or {}).values()]
    for one in inner:
        if isinstance(one, dict):
            yield from schemas(one)
        elif isinstance(one, list):  # `items` may be an array, which is refused elsewhere
            for each in one:
                if isinstance(each, dict):
                    yield from schemas(each)


def additional(schema: Schema) -> Schema | None:
    """Return the schema of the values of a map, None where any value goes or nothing is said."""
    found = schema.get("additionalProperties")
    return found if isinstance(found, dict) else None


def child(schema: Schema | None, name: str) -> Schema | None:
    """Return the schema of field `name` of an object, None where none is given."""
    if schema is None:
        return None
    return (schema.get("properties") or {}).get(name) or additional(schema)


def items(schema: Schema | None) -> Schema | None:
    """Return the schema of a list's elements, None where none is given."""
    found = (schema or {}).get("items")
    return found if isinstance(found, dict) else None
