"""The options of a connection as an object: what those see who admit it.

Source: apimachinery pkg/conversion/queryparams, pkg/runtime/conversion.go (Convert_Slice_string_To_bool).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wherry.objects import Object, definitions
from wherry.objects.resource import Resource

Pairs = Sequence[tuple[str, str]]
_FALSE = ("false", "0")


def of(kind: Resource, query: Pairs, path: str) -> Object:
    """Return the options of a kind (PodExecOptions, ...) that a query gives; `path` is what is asked of a proxy."""
    type_ = definitions.of_kind((kind.group, kind.version, kind.kind))
    result: Object = {"kind": kind.kind, "apiVersion": kind.api_version}
    for name, field in type_.json.items() if type_ else ():
        values = [value for key, value in query if key == name]
        if values and name not in result:
            result[name] = _value(field.type, values)
    return result | ({"path": path} if path else {})


def _value(expression: str, values: list[str]) -> Any:
    if expression.startswith("[]"):
        return [_value(expression[2:], [value]) for value in values]
    first = values[0]
    if expression == "bool":
        return first.lower() not in _FALSE
    if expression in ("int32", "int64"):
        return int(first) if first.lstrip("-").isdecimal() else 0
    return first
