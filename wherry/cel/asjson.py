"""The value of an expression as JSON."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Any

from wherry.cel.errors import Unevaluable


def as_json(value: Any) -> Any:
    """Return a value of `Expression.evaluate` as JSON has it; raises `Unevaluable` for one that JSON has not.

    Source: cel-spec, "JSON data conversion": bytes as base64, times as RFC 3339 has them, lengths in seconds.
    """
    match value:
        case None | bool() | int() | float() | str():
            return value
        case dict():
            return {_key(key): as_json(one) for key, one in value.items()}
        case list() | tuple():
            return [as_json(one) for one in value]
        case bytes() | bytearray():
            return base64.b64encode(value).decode()
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case timedelta():
            return f"{value.total_seconds():f}".rstrip("0").rstrip(".") + "s"
    raise Unevaluable(f"a value of type {type(value).__name__} cannot be written as JSON")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise Unevaluable("the keys of a map that is written as JSON must be strings")
    return key
