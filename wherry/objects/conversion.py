"""Converters from a JSON value to its canonical form, one per type expression of the schema, made on first use.

Rules of presence and of messages: see `wherry.objects.schema`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from wherry.objects import Object
from wherry.objects.definitions import SCHEMA_PROPS, UNIONS, Field, Type
from wherry.objects.repeats import Again, Repeating
from wherry.objects.scalars import SCALARS, Converter, Mismatch


def join(path: str, name: str) -> str:
    """Return the path of field `name` within `path`."""
    return f"{path}.{name}" if path else name


def _converter(scope: Type, expression: str, go: str) -> Converter:
    """Return the converter for an expression in a field of `scope`."""
    if expression.startswith("#"):
        return struct(scope.types[expression[1:]])
    if expression.startswith(("[]", "items:")):
        element = expression.removeprefix("[]").removeprefix("items:")
        return _list(scope, element, go)
    if expression.startswith("map:"):
        return _map(scope, expression[4:], go)
    if expression in UNIONS:
        return _union(scope, UNIONS[expression])
    return _scalar(expression, go)


@cache
def _scalar(expression: str, go: str) -> Converter:
    return SCALARS[expression](go)


def _element(scope: Type, element: str, go: str) -> Converter:
    """Return the converter for the elements of a list or map that Go calls `go`."""
    match = re.fullmatch(r"(?:\[\]|map\[[^]]*\])(.+)", go)
    return _converter(scope, element, match[1] if match else scope.go_type(element))


def struct(type_: Type) -> Converter:
    """Return the converter for a type; it raises `Unreadable` for a wrong value."""
    return type_.once(_struct)


def _struct(type_: Type) -> Converter:
    embedded = dict(_embedded(type_))
    fields: dict[str, tuple[Converter, bool]] = {}
    always: list[tuple[str, str]] = []
    for field in type_.json.values():
        fields[field.name] = _Late(type_, field), _empty_is_absent(field)
        if _always_present(field):
            always.append((field.name, field.type))

    def convert(value: Any, unknown: list[str], path: str) -> Any:
        if not isinstance(value, dict):
            raise Mismatch(value, type_.go)
        result: Object = {}
        for key, item in value.items():
            known = fields.get(key)
            if known is None:
                unknown.append(f'unknown field "{join(path, key)}"')
                continue
            if type(key) is Again:
                key = _noted(key, unknown, path)
            if item is None:
                continue
            converter, empty_is_absent = known
            place = join(path, key)
            try:
                item = converter(item, unknown, place)
            except Mismatch as mismatch:
                mismatch.within(type_.short, embedded.get(key, "") + key)
                raise
            if item or not empty_is_absent:
                result[key] = item
        for key, expression in always:
            if key not in result:
                result[key] = _zero(type_, expression)
        return result

    return convert


def _noted(key: str, found: list[str], path: str) -> str:
    """Return the plain name of a field; note that it was given before, if it was."""
    if type(key) is Again:
        found.append(f'duplicate field "{join(path, key)}"')
    return str(key)


def _embedded(type_: Type, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield (JSON name, "Struct.") for fields of inlined structs, by whose Go names messages call them."""
    for field in type_.fields:
        if field.inline:
            inner = type_.types[field.type[1:]]
            yield from _embedded(inner, f"{prefix}{inner.short}.")
        elif prefix:
            yield field.name, prefix


class _Late:
    """A converter looked up on first use: types refer to themselves, and most are never needed."""

    __slots__ = ("converter", "field", "scope")

    def __init__(self, scope: Type, field: Field) -> None:
        self.scope = scope
        self.field = field
        self.converter: Converter | None = None

    def __call__(self, value: Any, unknown: list[str], path: str) -> Any:
        if self.converter is None:
            expression = self.field.type
            self.converter = _converter(self.scope, expression, self.field.go or self.scope.go_type(expression))
        return self.converter(value, unknown, path)


_PLAIN = {"string": "", "bool": False, "int32": 0, "int64": 0}
# What Go makes of a null in a list or a map, where there is no leaving out: the type's zero value.
_ZERO = _PLAIN | {"bytes": "", "quantity": "0", "intorstring": 0}


def _always_present(field: Field) -> bool:
    if field.pointer:
        return False
    if field.type.startswith("#"):
        return "z" not in field.flags
    return field.type in _PLAIN and not field.omit_empty


def _empty_is_absent(field: Field) -> bool:
    if field.pointer or not field.omit_empty or field.type in ("raw", "fields"):
        return False
    return not field.type.startswith("#") or "z" in field.flags


def _zero(scope: Type, expression: str) -> Any:
    if expression.startswith("#"):
        return struct(scope.types[expression[1:]])({}, [], "")
    if expression.startswith(("[]", "items:")):
        return []
    if expression.startswith("map:"):
        return {}
    return _ZERO.get(expression)


def _list(scope: Type, element: str, go: str) -> Converter:
    item = _element(scope, element, go)
    has_paths = element.startswith("#")

    def convert(value: Any, unknown: list[str], path: str) -> Any:
        if not isinstance(value, list):
            raise Mismatch(value, go)
        return [
            _zero(scope, element) if v is None else item(v, unknown, f"{path}[{i}]" if has_paths else path)
            for i, v in enumerate(value)
        ]

    return convert


def _union(scope: Type, other: str) -> Converter:
    alternative = _converter(scope, other, scope.go_type(other))

    def convert(value: Any, unknown: list[str], path: str) -> Any:
        if isinstance(value, dict):  # what is unknown in here goes unseen upstream, so many a manifest has it
            return struct(scope.types[SCHEMA_PROPS])(value, [], path)
        return alternative(value, unknown, path)

    return convert


def _map(scope: Type, element: str, go: str) -> Converter:
    item = _element(scope, element, go)
    has_paths = element.startswith("#")

    def convert(value: Any, unknown: list[str], path: str) -> Any:
        if not isinstance(value, dict):
            raise Mismatch(value, go)
        if type(value) is Repeating:
            value = {_noted(k, unknown, path): v for k, v in value.items()}
        return {
            k: _zero(scope, element) if v is None else item(v, unknown, join(path, k) if has_paths else path)
            for k, v in value.items()
        }

    return convert
