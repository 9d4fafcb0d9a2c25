"""OpenAPI schemas of the API's types, in the spelling of v2 (`definitions`) and v3 (`components.schemas`).

Source of the spelling: what k8s.io/kube-openapi publishes, `x-kubernetes-*` extensions included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from wherry.objects import Object, descriptions
from wherry.objects.definitions import Field, GroupVersionKind, Type

_PACKAGES = "io.k8s.apimachinery.pkg."
_EXTENSIONS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."
_SPECIAL = {
    "quantity": _PACKAGES + "api.resource.Quantity",
    "time": _PACKAGES + "apis.meta.v1.Time",
    "microtime": _PACKAGES + "apis.meta.v1.MicroTime",
    "intorstring": _PACKAGES + "util.intstr.IntOrString",
    "raw": _PACKAGES + "runtime.RawExtension",
    "fields": _PACKAGES + "apis.meta.v1.FieldsV1",
    "json": _EXTENSIONS + "JSON",
    "schema-or-array": _EXTENSIONS + "JSONSchemaPropsOrArray",
    "schema-or-bool": _EXTENSIONS + "JSONSchemaPropsOrBool",
    "schema-or-strings": _EXTENSIONS + "JSONSchemaPropsOrStringArray",
}
PATCH = _PACKAGES + "apis.meta.v1.Patch"
_PLAIN: dict[str, Object] = {
    "string": {"type": "string"},
    "bool": {"type": "boolean"},
    "int32": {"type": "integer", "format": "int32"},
    "int64": {"type": "integer", "format": "int64"},
    "bytes": {"type": "string", "format": "byte"},
    "double": {"type": "number", "format": "double"},
    "any": {},
}
_SHAPES: dict[str, tuple[Object, str]] = {
    _SPECIAL["time"]: ({"type": "string", "format": "date-time"}, "A time in RFC 3339, to the second."),
    _SPECIAL["microtime"]: ({"type": "string", "format": "date-time"}, "A time in RFC 3339, with six decimals."),
    _SPECIAL["raw"]: ({"type": "object"}, "An object of any kind."),
    _SPECIAL["fields"]: ({"type": "object"}, "A set of fields, as keys `f:NAME`, `v:VALUE`, `i:INDEX` and `k:KEYS`."),
    _SPECIAL["json"]: ({}, "A value of any kind."),
    _SPECIAL["schema-or-array"]: ({}, "A schema, or a list of schemas."),
    _SPECIAL["schema-or-bool"]: ({}, "A schema, or true or false."),
    _SPECIAL["schema-or-strings"]: ({}, "A schema, or a list of names."),
    PATCH: ({"type": "object"}, "The body of a PATCH request."),
}
_QUANTITY_TEXT = (
    "A fixed-point number with a suffix: n, u, m, k, M, G, T, P, E (powers of 1000), Ki, Mi, Gi, Ti, Pi, Ei (powers of "
    "1024) or a decimal exponent such as e3."
)
_INT_OR_STRING_TEXT = "A whole number or a string: a port's number or name, a count or a percentage."


@dataclass(frozen=True)
class Dialect:
    """What differs between the versions: where schemas live, how a reference keeps a description, what is a union."""

    prefix: str
    described_reference: Callable[[str, str], Object]
    quantity: Object
    int_or_string: Object

    def reference(self, name: str) -> Object:
        """Return a reference to the type of that name."""
        return {"$ref": self.prefix + name}


def _described_v2(reference: str, text: str) -> Object:
    return {"description": text, "$ref": reference} if text else {"$ref": reference}


def _described_v3(reference: str, text: str) -> Object:
    # Beside a $ref, v3 ignores all else, so the reference moves into an allOf.
    return {"description": text, "allOf": [{"$ref": reference}]} if text else {"$ref": reference}


V2 = Dialect("#/definitions/", _described_v2, {"type": "string"}, {"type": "string", "format": "int-or-string"})
V3 = Dialect(
    "#/components/schemas/",
    _described_v3,
    {"oneOf": [{"type": "string"}, {"type": "number"}]},
    {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
)


Types = dict[str, Type | None]
"""Types by name; None for those that are no struct (Quantity, Time ...)."""


def reachable(types: Iterable[Type]) -> Types:
    """Return `types` and every type they refer to, however deep; inlined types are part of those that inline them."""
    found: Types = {}
    todo: list[tuple[str, Type | None]] = [(type_.name, type_) for type_ in types]
    while todo:
        name, type_ = todo.pop()
        if name in found:
            continue
        found[name] = type_
        if type_ is not None:
            targets = filter(None, (_target(field.type) for field in type_.json.values()))
            todo += [(target, type_.types.get(target)) for target in targets]
    return found


def _target(expression: str) -> str:
    """Return the name of the type an expression refers to, "" for none."""
    inner = expression.removeprefix("[]").removeprefix("map:").removeprefix("items:")
    return inner[1:] if inner.startswith("#") else _SPECIAL.get(inner, "")


def schemas(types: Types, kinds: Mapping[str, Sequence[GroupVersionKind]], dialect: Dialect) -> Object:
    """Return the schema of each type, marked with the kinds that it is the type of."""
    return {name: _schema(name, types[name], kinds.get(name, ()), dialect) for name in sorted(types)}


def _schema(name: str, type_: Type | None, kinds: Sequence[GroupVersionKind], dialect: Dialect) -> Object:
    if name == _SPECIAL["quantity"]:
        return {"description": _QUANTITY_TEXT, **dialect.quantity}
    if name == _SPECIAL["intorstring"]:
        return {"description": _INT_OR_STRING_TEXT, **dialect.int_or_string}
    if type_ is None or name in _SHAPES:
        shape, text = _SHAPES[name]
        return {"description": text, **shape}
    said = descriptions.of(type_)
    result = _described({"type": "object"}, said.about)
    properties = {f.name: _property(f, said.fields.get(f.name, ""), dialect) for f in type_.json.values()}
    if properties:
        result["properties"] = dict(sorted(properties.items()))
    required = sorted(field.name for field in type_.json.values() if field.required)
    if required:
        result["required"] = required
    if type_.map_type:
        result["x-kubernetes-map-type"] = type_.map_type
    if kinds:
        result["x-kubernetes-group-version-kind"] = [{"group": g, "kind": k, "version": v} for g, v, k in kinds]
    return result


def _described(schema: Object, text: str) -> Object:
    return {"description": text, **schema} if text else schema


def _property(field: Field, text: str, dialect: Dialect) -> Object:
    result = _value(field.type, text, dialect)
    for extension, value in (
        ("x-kubernetes-list-type", field.list_type),
        ("x-kubernetes-list-map-keys", list(field.list_keys)),
        ("x-kubernetes-map-type", field.map_type),
        ("x-kubernetes-patch-strategy", field.strategy),
        ("x-kubernetes-patch-merge-key", field.merge_key),
    ):
        if value:
            result[extension] = value
    return result


def _value(expression: str, text: str, dialect: Dialect) -> Object:
    if expression.startswith(("[]", "items:")):
        element = expression.removeprefix("[]").removeprefix("items:")
        shape: Object = {"type": "array", "items": _value(element, "", dialect)}
    elif expression.startswith("map:"):
        shape = {"type": "object", "additionalProperties": _value(expression[4:], "", dialect)}
    elif expression in _PLAIN:
        shape = dict(_PLAIN[expression])
    else:
        return dialect.described_reference(dialect.prefix + _target(expression), text)
    return _described(shape, text)
