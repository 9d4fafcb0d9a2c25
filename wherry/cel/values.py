"""JSON as expressions see it: by a structural schema, times are times, and names of fields are CEL's.

Source: k8s.io/apiserver pkg/cel/common/values.go.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from wherry.cel import opaque
from wherry.cel.names import escape
from wherry.objects.structural.walking import Schema, additional, items

_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}


def value(found: Any, schema: Schema | None) -> Any:
    """Return JSON as an expression takes it; what no schema speaks of is as it is."""
    if schema is None or schema.get("x-kubernetes-int-or-string"):
        return found
    if isinstance(found, list):
        inner = items(schema)
        return [value(one, inner) for one in found]
    if isinstance(found, dict):
        return _object(found, schema)
    if isinstance(found, str):
        return _text(found, schema.get("format", ""))
    if schema.get("type") == "number" and type(found) is int:
        return float(found)
    if schema.get("type") == "integer" and isinstance(found, float) and found.is_integer():
        return int(found)
    return found


def _object(found: dict[str, Any], schema: Schema) -> dict[str, Any]:
    properties, rest, result = schema.get("properties") or {}, additional(schema), {}
    for name, one in found.items():
        if properties:
            if (known := escape(name)) is not None:
                result[known] = value(one, properties.get(name))
        else:
            result[name] = value(one, rest)
    return result


def _text(found: str, format: str) -> Any:
    try:
        match format:
            case "byte":
                return base64.b64decode(found, validate=True)
            case "date":
                return opaque.given(datetime.combine(date.fromisoformat(found), time(), UTC))
            case "date-time" | "datetime":
                return opaque.given(datetime.fromisoformat(found))
            case "duration":
                return opaque.given(_duration(found))
    except (ValueError, OverflowError, binascii.Error):
        return found  # validation says what is wrong with it
    return found


def _duration(text: str) -> timedelta:
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(text))
    return timedelta(seconds=-seconds if text.startswith("-") else seconds)
