"""OpenAPI schemas of custom resources: their own, with what every object has.

Source: apiextensions-apiserver pkg/controller/openapi (builder/builder.go, v2/conversion.go).
"""

from __future__ import annotations

from typing import Any

from wherry.objects import Object
from wherry.objects.definitions import GroupVersionKind
from wherry.objects.openapi.schemas import V2, Dialect
from wherry.objects.structural.shape import Shape
from wherry.objects.structural.walking import Schema

OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
LIST_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"
_META: dict[str, Object] = {
    "apiVersion": {"type": "string", "description": "The group and version of the kind, `apps/v1`."},
    "kind": {"type": "string", "description": "What the object is, in CamelCase."},
}
_PRESERVE, _EMBEDDED = "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"
_UNIONS = ("allOf", "anyOf", "oneOf", "not")


def schema(shape: Shape, gvk: GroupVersionKind, dialect: Dialect) -> Object:
    """Return the schema of a custom resource, marked as the kind it is."""
    own = shape.schema
    if dialect is V2 and own.get(_PRESERVE):
        result: Object = {"type": "object"}
    else:
        result = _with_meta(_told(own, dialect), dialect)
    return result | _mark(gvk)


def list_schema(name: str, gvk: GroupVersionKind, dialect: Dialect) -> Object:
    """Return the schema of a list of the type `name`; `gvk` is the list's."""
    items = {"type": "array", "items": dialect.reference(name), "description": "The objects."}
    properties = _META | {"items": items, "metadata": dialect.described_reference(dialect.prefix + LIST_META, "")}
    return {"type": "object", "description": "A list.", "required": ["items"], "properties": properties, **_mark(gvk)}


def _mark(gvk: GroupVersionKind) -> Object:
    group, version, kind = gvk
    return {"x-kubernetes-group-version-kind": [{"group": group, "kind": kind, "version": version}]}


def _with_meta(schema: Schema, dialect: Dialect) -> Schema:
    metadata = dialect.described_reference(
        dialect.prefix + OBJECT_META, "Name, labels, and what else all objects have."
    )
    properties = {**(schema.get("properties") or {}), **_META, "metadata": metadata}
    return {**schema, "type": "object", "properties": dict(sorted(properties.items()))}


def _told(schema: Schema, dialect: Dialect) -> Schema:
    """Return what a version of OpenAPI says of a schema; kubectl of old stumbles over what v2 leaves out here."""
    result = dict(schema) if dialect is not V2 else _for_v2(schema)
    if isinstance(inner := result.get("items"), dict):
        result["items"] = _told(inner, dialect)
    if isinstance(rest := result.get("additionalProperties"), dict):
        result["additionalProperties"] = _told(rest, dialect)
    if properties := result.get("properties"):
        result["properties"] = {name: _told(one, dialect) for name, one in properties.items()}
    if result.get(_EMBEDDED) and not (dialect is V2 and result.get(_PRESERVE)):
        result = _with_meta(result, dialect)
        result["required"] = list(dict.fromkeys([*(result.get("required") or ()), "kind", "apiVersion"]))
    return result


def _for_v2(schema: Schema) -> Schema:
    result: dict[str, Any] = {key: value for key, value in schema.items() if key not in _UNIONS}
    nullable, preserves = result.pop("nullable", False), schema.get(_PRESERVE)
    if nullable or preserves:
        result.pop("items", None)
        result.pop("properties", None)
    if nullable or (preserves and result.get("type") == "object"):
        result.pop("type", None)
    if result.get("type") == "array" and "items" not in result:
        del result["type"]
    if schema.get("x-kubernetes-int-or-string"):
        result.pop("type", None)
    may_be_null = {name for name, one in (schema.get("properties") or {}).items() if one.get("nullable")}
    if required := [name for name in result.get("required") or () if name not in may_be_null]:
        result["required"] = required
    else:
        result.pop("required", None)
    return result
