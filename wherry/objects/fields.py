"""Builders of `FieldError`: the wording of Kubernetes' field validation errors.

Paths are plain strings such as ``spec.ports[0].nodePort`` or ``metadata.annotations[example.com/x]``.
Source of the texts: k8s.io/apimachinery v0.37 pkg/util/validation/field/errors.go.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from wherry.objects.errors import FieldError

_HTML = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})  # Go's JSON encoder writes these escaped


def quote(text: str) -> str:
    """Return `text` in double quotes with escapes, as Go's %q prints it."""
    return json.dumps(text, ensure_ascii=False)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return quote(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).translate(_HTML)


def _with(start: str, detail: str) -> str:
    return f"{start}: {detail}" if detail else start


def required(path: str, detail: str = "") -> FieldError:
    """Return the error for a value that must be given."""
    return FieldError("FieldValueRequired", path, _with("Required value", detail))


def invalid(path: str, value: Any, detail: str) -> FieldError:
    """Return the error for a malformed value (pattern, bounds, immutable)."""
    return FieldError("FieldValueInvalid", path, _with(f"Invalid value: {_shown(value)}", detail))


def not_supported(path: str, value: Any, supported: Iterable[str]) -> FieldError:
    """Return the error for a value outside an enumeration; `supported` is printed in the order given."""
    listed = ", ".join(map(quote, supported))
    detail = f"supported values: {listed}" if listed else ""
    return FieldError("FieldValueNotSupported", path, _with(f"Unsupported value: {_shown(value)}", detail))


def duplicate(path: str, value: Any) -> FieldError:
    """Return the error for a value that must be unique and is not."""
    return FieldError("FieldValueDuplicate", path, f"Duplicate value: {_shown(value)}")


def forbidden(path: str, detail: str) -> FieldError:
    """Return the error for a value that is well formed and not allowed here."""
    return FieldError("FieldValueForbidden", path, _with("Forbidden", detail))


def not_found(path: str, value: Any) -> FieldError:
    """Return the error for a value that names something that does not exist."""
    return FieldError("FieldValueNotFound", path, f"Not found: {_shown(value)}")


def too_long(path: str, limit: int) -> FieldError:
    """Return the error for a value of more than `limit` bytes."""
    return FieldError("FieldValueTooLong", path, f"Too long: may not be more than {limit} {_plural(limit, 'byte')}")


def too_many(path: str, actual: int, limit: int) -> FieldError:
    """Return the error for a list of `actual` items where `limit` are allowed."""
    text = f"Too many: {actual}: must have at most {limit} {_plural(limit, 'item')}"
    return FieldError("FieldValueTooMany", path, text)


def internal(path: str, detail: str) -> FieldError:
    """Return the error for a check that could not be made."""
    return FieldError("InternalError", path, _with("Internal error", detail))


def _plural(count: int, noun: str) -> str:
    return noun if count == 1 else f"{noun}s"
