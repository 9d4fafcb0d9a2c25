"""Are the defaults in a schema good values: known to it, and valid by it?

Source: apiextensions-apiserver pkg/apiserver/schema/defaulting/validation.go.
"""

from __future__ import annotations

from collections.abc import Iterator

from wherry.objects import fields
from wherry.objects.errors import FieldError
from wherry.objects.structural import embedded, values
from wherry.objects.structural.pruning import META, pruned
from wherry.objects.structural.walking import Schema, items


def errors(schema: Schema, path: str) -> Iterator[FieldError]:
    """Yield what is wrong with the defaults of `schema` and in it."""
    if "default" in schema:
        yield from _default(schema, f"{path}.default")
    if (inner := items(schema)) is not None:
        yield from errors(inner, f"{path}.items")
    for name, one in (schema.get("properties") or {}).items():
        if not (schema.get("x-kubernetes-embedded-resource") and name in META):
            yield from errors(one, f"{path}.properties[{name}]")


def _default(schema: Schema, path: str) -> Iterator[FieldError]:
    value = schema["default"]
    is_object = bool(schema.get("x-kubernetes-embedded-resource"))
    if pruned(value, schema, [], is_object=is_object) != value:
        yield fields.invalid(path, value, "must not have unknown fields")
        return
    wrong = list(embedded.errors(value, schema, path)) or values.errors(value, schema)
    for error in wrong:
        inside = error.field.startswith(path) or error.field == values.NOWHERE
        yield error if inside else FieldError(error.type, f"{path}.{error.field}", error.detail)
