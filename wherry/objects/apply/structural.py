"""How the values of a custom resource merge, and who can own which part of them: shapes from structural schemas.

Source: kube-openapi pkg/schemaconv/openapi.go, apiextensions-apiserver pkg/controller/openapi/builder (what every
object, and every object within one, has besides).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from wherry.objects.apply import element, shape
from wherry.objects.apply.shape import ANYTHING, WHOLE, Items, Member, Members, Shape
from wherry.objects.definitions import by_name
from wherry.objects.structural import embedded
from wherry.objects.structural import shape as structural
from wherry.objects.structural.walking import Schema, additional, items

_PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean"}
_TEXT = Shape(plain="string")


def of(described: structural.Shape) -> Shape:
    """Return the shape of the objects of one version of a custom resource."""
    return described.once(_object)


def _object(described: structural.Shape) -> Shape:
    preserves = bool(described.schema.get("x-kubernetes-preserve-unknown-fields"))
    return Shape(_members({**described.schema, "x-kubernetes-embedded-resource": True}, preserves))


def _shape(schema: Schema, preserves: bool) -> Shape:
    """Return the shape of a schema; one that preserves unknown fields does so for all in it."""
    preserves = preserves or bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    match schema.get("type", ""):
        case "":
            return Shape(_members(schema, preserves), _items(schema, preserves), "any")
        case "object":
            return Shape(_members(schema, preserves))
        case "array":
            return Shape(items=_items(schema, preserves))
        case type_:
            return Shape(plain=_PLAIN[type_])


def _members(schema: Schema, preserves: bool) -> Members:
    atomic = schema.get("x-kubernetes-map-type") == "atomic"
    return Members(lambda: _fields(schema, preserves), _other(schema, preserves), atomic=atomic)


def _fields(schema: Schema, preserves: bool) -> Mapping[str, Member]:
    shapes = {name: _shape(one, preserves) for name, one in (schema.get("properties") or {}).items()}
    if schema.get("x-kubernetes-embedded-resource"):
        shapes |= {"apiVersion": _TEXT, "kind": _TEXT, "metadata": shape.of(by_name(embedded.METADATA))}
    return {name: Member(element.field(name), inner) for name, inner in shapes.items()}


def _other(schema: Schema, preserves: bool) -> Shape | None:
    """Return the shape of fields that are not declared, None where there can be none."""
    if (inner := additional(schema)) is not None:
        return _shape(inner, preserves)
    rest = schema.get("additionalProperties")
    if rest is None:
        return ANYTHING if preserves or not schema.get("properties") else None
    return ANYTHING if rest else None


def _items(schema: Schema, preserves: bool) -> Items:
    inner = items(schema)
    if inner is None:
        return Items(WHOLE)
    of_items, keys = _shape(inner, preserves), tuple(schema.get("x-kubernetes-list-map-keys") or ())
    if schema.get("x-kubernetes-list-type") not in ("map", "set"):
        return Items(of_items)
    return Items(of_items, False, keys, _defaults(inner, keys))


def _defaults(inner: Schema, keys: tuple[str, ...]) -> Callable[[], Mapping[str, Any]]:
    @cache
    def defaults() -> Mapping[str, Any]:
        declared = inner.get("properties") or {}
        return {key: declared[key]["default"] for key in keys if "default" in declared.get(key, ())}

    return defaults
