"""The schema of a version: what OpenAPI has and custom resources may not.

Source: apiextensions-apiserver pkg/apis/apiextensions/validation/validation.go
(validateCustomResourceDefinitionValidation, ValidateCustomResourceDefinitionOpenAPISchema).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from wherry.apiserver.kinds.apiextensions import defaults, rules, structural
from wherry.objects import fields
from wherry.objects.errors import FieldError
from wherry.objects.structural.walking import Schema, items

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_META = ("metadata", "kind", "apiVersion")
_UNSUPPORTED = {
    "id": "id is not supported",
    "additionalItems": "additionalItems is not supported",
    "patternProperties": "patternProperties is not supported",
    "definitions": "definitions is not supported",
    "dependencies": "dependencies is not supported",
    "$ref": "$ref is not supported",
}
_AT_ROOT = {
    **{name: name[0].upper() + name[1:] for name in ("description", "type", "format", "title", "maximum")},
    **{name: name[0].upper() + name[1:] for name in ("exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength")},
    **{name: name[0].upper() + name[1:] for name in ("minLength", "pattern", "maxItems", "minItems", "uniqueItems")},
    **{name: name[0].upper() + name[1:] for name in ("multipleOf", "required", "items", "properties", "externalDocs")},
    "example": "Example",
    "x-kubernetes-preserve-unknown-fields": "XPreserveUnknownFields",
    "x-kubernetes-validations": "XValidations",
}
"""What may stand at the root of a schema beside the status subresource, and what it is called in Go."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a schema stands: in what `metadata` says, where no default may be."""

    in_meta: bool = False
    no_defaults: str | None = None


def errors(schema: Schema, path: str, *, status: bool) -> list[FieldError]:
    """Return what is wrong with the schema of a version; `status`: it has the status subresource."""
    found = list(_at_root(schema, path)) if status else []
    if schema.get("nullable"):
        found.append(fields.forbidden(f"{path}.nullable", "nullable cannot be true at the root"))
    shape = structural.errors(schema, path) or list(defaults.errors(schema, path))
    found += shape
    found += _within(schema, path, _Place(), root=True)
    if not found:
        found += rules.errors(schema, path)
    return found


def _at_root(schema: Schema, path: str) -> Iterator[FieldError]:
    enabled = "if the status subresource is enabled"
    if schema.get("type", "object") != "object":
        text = f'only "object" is allowed as the type at the root of the schema {enabled}'
        yield fields.invalid(f"{path}.type", schema["type"], text)
    elif not schema.keys() <= _AT_ROOT.keys():
        text = f"only [{' '.join(_AT_ROOT.values())}] fields are allowed at the root of the schema {enabled}"
        yield fields.invalid(path, schema, text)


def _within(schema: Schema, path: str, place: _Place, *, root: bool = False) -> Iterator[FieldError]:
    yield from _own(schema, path, place)
    yield from _children(schema, path, place, root)
    yield from _map_type(schema, path)
    yield from _list_type(schema, path)
    yield from rules.texts(schema, path)


def _own(schema: Schema, path: str, place: _Place) -> Iterator[FieldError]:
    type_ = schema.get("type", "")
    if type_ and type_ not in _TYPES:
        yield fields.not_supported(f"{path}.type", type_, _TYPES)
    if "default" in schema and place.no_defaults is not None:
        yield fields.forbidden(f"{path}.default", f"must not be set {place.no_defaults}")
    for key, text in _UNSUPPORTED.items():
        if schema.get(key) or (key == "additionalItems" and key in schema):
            yield fields.forbidden(f"{path}.{key}", text)
    if type_ == "null":
        text = "type cannot be set to null, use nullable as an alternative"
        yield fields.forbidden(f"{path}.type", text)
    if isinstance(schema.get("items"), list):
        yield fields.forbidden(f"{path}.items", "items must be a schema object and not an array")
    if place.in_meta and schema.get("x-kubernetes-embedded-resource"):
        yield fields.forbidden(f"{path}.x-kubernetes-embedded-resource", "must not be used inside of resource meta")
    if schema.get("uniqueItems"):
        text = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        yield fields.forbidden(f"{path}.uniqueItems", text)
    if schema.get("x-kubernetes-preserve-unknown-fields") is False:
        yield fields.invalid(f"{path}.x-kubernetes-preserve-unknown-fields", False, "must be true or undefined")


def _children(schema: Schema, path: str, place: _Place, root: bool) -> Iterator[FieldError]:
    rest, properties = schema.get("additionalProperties"), schema.get("properties") or {}
    if rest is not None and properties and rest is not True:
        text = "additionalProperties and properties are mutual exclusive"
        yield fields.forbidden(f"{path}.additionalProperties", text)
    if isinstance(rest, dict):
        why = "inside additionalProperties applying to object metadata"
        yield from _within(
            rest, f"{path}.additionalProperties", replace(place, no_defaults=why) if place.in_meta else place
        )
    for name, one in properties.items():
        inner = place
        if (root or schema.get("x-kubernetes-embedded-resource")) and name in _META:
            inner = replace(inner, in_meta=True)
            inner = replace(inner, no_defaults=f"in top-level {name}") if root else inner
        yield from _within(one, f"{path}.properties[{name}]", inner)
    if isinstance(schema.get("not"), dict):
        yield from _within(schema["not"], f"{path}.not", place)
    for junctor in ("allOf", "oneOf", "anyOf"):
        for i, one in enumerate(schema.get(junctor) or ()):
            yield from _within(one, f"{path}.{junctor}[{i}]", place)
    if (inner_items := items(schema)) is not None:
        yield from _within(inner_items, f"{path}.items", place)


def _map_type(schema: Schema, path: str) -> Iterator[FieldError]:
    if (kind := schema.get("x-kubernetes-map-type")) is None:
        return
    yield from _needs_type(schema, path, "object", "must be object if x-kubernetes-map-type is specified")
    if kind not in ("atomic", "granular"):
        yield fields.not_supported(f"{path}.x-kubernetes-map-type", kind, ("atomic", "granular"))


def _needs_type(schema: Schema, path: str, wanted: str, text: str) -> Iterator[FieldError]:
    type_, place = schema.get("type", ""), f"{path}.type"
    if type_ != wanted:
        yield fields.invalid(place, type_, text) if type_ else fields.required(place, text)


def _list_type(schema: Schema, path: str) -> Iterator[FieldError]:
    kind, keys = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-list-map-keys") or ()
    place = f"{path}.x-kubernetes-list-type"
    if kind is not None:
        yield from _needs_type(schema, path, "array", "must be array if x-kubernetes-list-type is specified")
        if kind not in ("atomic", "set", "map"):
            yield fields.not_supported(place, kind, ("atomic", "set", "map"))
    if keys and kind != "map":
        text = "must be map if x-kubernetes-list-map-keys is non-empty"
        yield fields.invalid(place, kind, text) if kind is not None else fields.required(place, text)
    inner = items(schema)
    if kind == "set" and inner is not None:
        yield from _set_items(inner, f"{path}.items")
    if kind == "map":
        yield from _map_list(inner, keys, path)
    if kind in ("set", "map") and inner is not None and inner.get("nullable"):
        text = f"cannot be nullable when x-kubernetes-list-type is {kind}"
        yield fields.forbidden(f"{path}.items.nullable", text)


def _set_items(inner: Schema, path: str) -> Iterator[FieldError]:
    text = "must be atomic as item of a list with x-kubernetes-list-type=set"
    match inner.get("type"):
        case "array" if inner.get("x-kubernetes-list-type", "atomic") != "atomic":
            yield fields.invalid(f"{path}.x-kubernetes-list-type", inner["x-kubernetes-list-type"], text)
        case "object" if inner.get("x-kubernetes-map-type") != "atomic":
            yield fields.invalid(f"{path}.x-kubernetes-map-type", inner.get("x-kubernetes-list-type"), text)


def _map_list(inner: Schema | None, keys: Sequence[str], path: str) -> Iterator[FieldError]:
    place = f"{path}.x-kubernetes-list-map-keys"
    if not keys:
        yield fields.required(place, "must not be empty if x-kubernetes-list-type is map")
    if inner is None:
        yield fields.required(f"{path}.items", "must have a schema if x-kubernetes-list-type is map")
        return
    if inner.get("type") != "object":
        text = "must be object if parent array's x-kubernetes-list-type is map"
        yield fields.invalid(f"{path}.items.type", inner.get("type", ""), text)
        return
    if len(set(keys)) < len(keys):
        yield fields.invalid(place, list(keys), "must not contain duplicate entries")
    for key in keys:
        yield from _map_key(inner, key, keys, path)


def _map_key(inner: Schema, key: str, keys: Sequence[str], path: str) -> Iterator[FieldError]:
    one = (inner.get("properties") or {}).get(key)
    if one is None:
        text = "entries must all be names of item properties"
        yield fields.invalid(f"{path}.x-kubernetes-list-map-keys", list(keys), text)
        return
    place, is_key = f"{path}.items.properties[{key}]", "this property is in x-kubernetes-list-map-keys, so it"
    if one.get("type") in ("array", "object"):
        text = "must be a scalar type if parent array's x-kubernetes-list-type is map"
        yield fields.invalid(f"{place}.type", inner["type"], text)
    if key not in (inner.get("required") or ()) and "default" not in one:
        yield fields.required(f"{place}.default", f"{is_key} must have a default or be a required property")
    if one.get("nullable"):
        yield fields.forbidden(f"{place}.nullable", f"{is_key} cannot be nullable")
