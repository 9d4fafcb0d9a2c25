"""Is a schema structural? What has a shape says so outside of `allOf`, `anyOf`, `oneOf` and `not`.

Source: apiextensions-apiserver pkg/apiserver/schema (validation.go, complete.go).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wherry.objects import fields
from wherry.objects.errors import FieldError
from wherry.objects.structural.values import compiled
from wherry.objects.structural.walking import Schema, additional, items

_PRESERVE, _EMBEDDED = "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"
_INT_OR_STRING = "x-kubernetes-int-or-string"
_EITHER = [{"type": "integer"}, {"type": "string"}]
_JUNCTORS = ("anyOf", "allOf", "oneOf")

_NOT_NESTED = {
    "type": "must be empty to be structural",
    "additionalProperties": "must be undefined to be structural",
    "default": "must be undefined to be structural",
    "title": "must be empty to be structural",
    "description": "must be empty to be structural",
    "nullable": "must be false to be structural",
    _PRESERVE: "must be false to be structural",
    _EMBEDDED: "must be false to be structural",
    _INT_OR_STRING: "must be false to be structural",
    "x-kubernetes-list-map-keys": "must be empty to be structural",
    "x-kubernetes-list-type": "must be undefined to be structural",
    "x-kubernetes-map-type": "must be undefined to be structural",
    "x-kubernetes-validations": "must be empty to be structural",
}
_MISSING_TYPE = {
    "root": "must not be empty at the root",
    "item": "must not be empty for specified array items",
    "field": "must not be empty for specified object fields",
}


def errors(schema: Schema, path: str) -> list[FieldError]:
    """Return why the schema of a version is not structural, by path."""
    found = [*_invariants(schema, "root", path), *_completeness(schema, schema, path, path)]
    return sorted(found, key=str)


def _invariants(schema: Schema, level: str, path: str) -> Iterator[FieldError]:
    inner = items(schema)
    if schema.get("type") == "array" and inner is None:
        yield fields.required(f"{path}.items", "must be specified")
    if inner is not None:
        yield from _invariants(inner, "item", f"{path}.items")
    for name, one in (schema.get("properties") or {}).items():
        yield from _invariants(one, "field", f"{path}.properties[{name}]")
    if schema.get("additionalProperties") is not None:
        if level == "root":
            yield fields.forbidden(f"{path}.additionalProperties", "must not be used at the root")
        if (rest := additional(schema)) is not None:
            yield from _invariants(rest, "field", f"{path}.additionalProperties")
    yield from _extensions(schema, path)
    yield from _values(schema, path, *_int_or_string(schema))
    yield from _own_type(schema, level, path)
    yield from _meta(schema, level, path)


def _extensions(schema: Schema, path: str) -> Iterator[FieldError]:
    for other in (_PRESERVE, _EMBEDDED):
        if schema.get(_INT_OR_STRING) and schema.get(other):
            yield fields.invalid(f"{path}.{other}", True, f"must be false if {_INT_OR_STRING} is true")


def _int_or_string(schema: Schema) -> tuple[bool, bool]:
    """Return whether `anyOf`, or the first of `allOf`, is the one that says "integer or string"."""
    first = (schema.get("allOf") or [{}])[0]
    return schema.get("anyOf") == _EITHER, first.get("anyOf") == _EITHER


def _values(schema: Schema, path: str, skip_any: bool, skip_first: bool) -> Iterator[FieldError]:
    for junctor in _JUNCTORS:
        if junctor == "anyOf" and skip_any:
            continue
        for i, one in enumerate(schema.get(junctor) or ()):
            yield from _nested(one, f"{path}.{junctor}[{i}]", junctor == "allOf" and skip_first and i == 0)
    if isinstance(excluded := schema.get("not"), dict):
        yield from _nested(excluded, f"{path}.not", False)
    if pattern := schema.get("pattern"):
        try:
            compiled(pattern)
        except ValueError as error:
            text = f"must be a valid regular expression, but isn't: {error}"
            yield fields.invalid(f"{path}.pattern", pattern, text)


def _nested(schema: Schema, path: str, skip_any: bool) -> Iterator[FieldError]:
    yield from _values(schema, path, skip_any, False)
    if (inner := items(schema)) is not None:
        yield from _nested(inner, f"{path}.items", False)
    for name, one in (schema.get("properties") or {}).items():
        yield from _nested(one, f"{path}.properties[{name}]", False)
    for key, text in _NOT_NESTED.items():
        if schema.get(key) or (key in ("default", "additionalProperties") and key in schema):
            yield fields.forbidden(f"{path}.{key}", text)
    if "metadata" in (schema.get("properties") or {}):
        yield fields.forbidden(f"{path}.properties[metadata]", "must not be specified in a nested context")


def _own_type(schema: Schema, level: str, path: str) -> Iterator[FieldError]:
    type_, embedded = schema.get("type", ""), schema.get(_EMBEDDED)
    place = f"{path}.type"
    if embedded and type_ != "object":
        text = f"must be object if {_EMBEDDED} is true"
        yield fields.invalid(place, type_, text) if type_ else fields.required(place, text)
    elif not type_ and not schema.get(_INT_OR_STRING) and not schema.get(_PRESERVE):
        yield fields.required(place, _MISSING_TYPE[level])
    if embedded and schema.get("additionalProperties") is not None:
        text = f"must not be used if {_EMBEDDED} is set"
        yield fields.forbidden(f"{path}.additionalProperties", text)
    if level == "root" and type_ and type_ != "object":
        yield fields.invalid(place, type_, "must be object at the root")


def _meta(schema: Schema, level: str, path: str) -> Iterator[FieldError]:
    properties: dict[str, Any] = schema.get("properties") or {}
    embedded = schema.get(_EMBEDDED)
    if level == "root" or embedded:
        for name, type_ in (("kind", "string"), ("apiVersion", "string"), ("metadata", "object")):
            if name in properties and properties[name].get("type", "") != type_:
                place = f"{path}.properties[{name}].type"
                yield fields.invalid(place, properties[name].get("type", ""), f"must be {type_}")
    if level == "root" and "metadata" in properties:
        more = {k: v for k, v in properties["metadata"].items() if k not in ("type", "default")}
        if set(more.get("properties") or {}) <= {"name", "generateName"}:
            more.pop("properties", None)
        if more:
            text = "must not specify anything other than name and generateName, but metadata is implicitly specified"
            yield fields.forbidden(f"{path}.properties[metadata]", text)
    if embedded and not schema.get(_PRESERVE) and not properties:
        text = f"must not be empty if {_EMBEDDED} is true without {_PRESERVE}"
        yield fields.required(f"{path}.properties", text)


def _completeness(value: Schema, shape: Schema | None, path: str, told: str) -> Iterator[FieldError]:
    """Yield what is demanded of fields (in `value`, at `told`) that have no shape (in `shape`, at `path`)."""
    parts = [(f"{told}.{j}[{i}]", one) for j in _JUNCTORS for i, one in enumerate(value.get(j) or ())]
    if isinstance(value.get("not"), dict):
        parts.append((f"{told}.not", value["not"]))
    for place, one in parts:
        yield from _nested_completeness(one, shape, path, place)


def _nested_completeness(value: Schema, shape: Schema | None, path: str, told: str) -> Iterator[FieldError]:
    if shape is None:
        yield fields.required(path, f"because it is defined in {told}")
        return
    yield from _completeness(value, shape, path, told)
    if (inner := items(value)) is not None:
        yield from _nested_completeness(inner, items(shape), f"{path}.items", f"{told}.items")
    for name, one in (value.get("properties") or {}).items():
        known = (shape.get("properties") or {}).get(name)
        yield from _nested_completeness(one, known, f"{path}.properties[{name}]", f"{told}.properties[{name}]")
