"""The path of the field that a rule blames (`fieldPath`): `.spec.size`, `.labels['a.b']`.

Source: apiextensions-apiserver pkg/apiserver/schema/cel/validation.go (ValidFieldPath).
"""

from __future__ import annotations

import re

from wherry.objects.structural.walking import Schema, additional

_STEP = re.compile(r"\.(?P<name>[^.\[\]]+)|\['(?P<quoted>(?:[^'\\]|\\.)*)'\]")


def normal(path: str, schema: Schema) -> str | None:
    """Return a path as errors write it, None where the schema has no such field."""
    position, result = 0, ""
    inner: Schema | None = schema
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None or inner is None:
            return None
        name = match["name"] or re.sub(r"\\(.)", r"\1", match["quoted"] or "")
        properties = inner.get("properties")
        inner = properties.get(name) if properties else additional(inner)
        result += f".{name}" if properties else f"[{name}]"
        position = match.end()
    return result if inner is not None else None
