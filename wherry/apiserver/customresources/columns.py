"""What `kubectl get` shows of custom resources: printer columns, by JSON paths.

Source: apiextensions-apiserver pkg/registry/customresource/tableconvertor/tableconvertor.go.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from wherry.apiserver.kind import Column
from wherry.apiserver.kinds.common import ages
from wherry.objects import Object
from wherry.objects.structural import paths
from wherry.objects.structural.values import go_number


def columns(declared: Sequence[Object]) -> Sequence[Column]:
    """Return the columns a version declares, without the name; none declared: the age."""
    return [_column(one) for one in declared or _AGE]


_AGE: Sequence[Object] = (
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp", "description": "How old the object is."},
)


def _column(declared: Object) -> Column:
    path, type_ = declared.get("jsonPath", ""), declared.get("type", "string")
    about = declared.get("description") or f"Custom resource definition column (in JSONPath format): {path}"
    return Column(
        declared.get("name", ""),
        partial(_cell, path, _CELLS.get(type_, _text)),
        type=type_,
        format=declared.get("format", ""),
        description=about,
        priority=declared.get("priority", 0),
    )


def _cell(path: str, show: Callable[[Any], Any], obj: Object) -> Any:
    try:
        found = next(paths.find(obj, path), None)
    except paths.BadPath:
        return None
    return None if found is None else show(found)


def _text(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return go_number(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _integer(value: Any) -> Any:
    return int(value) if type(value) in (int, float) else None


def _number(value: Any) -> Any:
    return float(value) if type(value) in (int, float) else None


def _boolean(value: Any) -> Any:
    return value if isinstance(value, bool) else None


def _date(value: Any) -> Any:
    if not isinstance(value, str):
        return None
    try:
        return ages.since(value)
    except ValueError:
        return "<invalid>"


_CELLS: dict[str, Callable[[Any], Any]] = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
}
