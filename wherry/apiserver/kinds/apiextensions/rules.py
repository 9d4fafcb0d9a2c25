"""The rules in a schema (`x-kubernetes-validations`): are they well formed, do their types fit, what may they cost?

Source: apiextensions-apiserver pkg/apis/apiextensions/validation (validation.go, cel_validation.go),
pkg/apiserver/schema/cel/compilation.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from wherry.apiserver.kinds.apiextensions import fieldpath
from wherry.objects import fields
from wherry.objects.errors import FieldError
from wherry.objects.structural import walking
from wherry.objects.structural.walking import Schema

REASONS = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
_BREAK = re.compile(r"[\n\r]")


def texts(schema: Schema, path: str) -> Iterator[FieldError]:
    """Yield what is wrong with the texts of a schema's own rules."""
    for i, rule in enumerate(schema.get("x-kubernetes-validations") or ()):
        yield from _rule(rule, f"{path}.x-kubernetes-validations[{i}]", schema)


def _rule(rule: dict[str, Any], path: str, schema: Schema) -> Iterator[FieldError]:
    text, message = rule.get("rule", "").strip(), rule.get("message", "")
    if not text:
        yield fields.required(f"{path}.rule", "rule is not specified")
    elif message and not message.strip():
        yield fields.invalid(f"{path}.message", message, "must be non-empty if specified")
    elif _BREAK.search(message.strip()):
        yield fields.invalid(f"{path}.message", message, "must not contain line breaks")
    elif _BREAK.search(text) and not message.strip():
        yield fields.required(f"{path}.message", "message must be specified if rule contains line breaks")
    if (expression := rule.get("messageExpression", "")) and not expression.strip():
        yield fields.required(f"{path}.messageExpression", "messageExpression must be non-empty if specified")
    if (reason := rule.get("reason")) is not None and reason not in REASONS:
        yield fields.not_supported(f"{path}.reason", reason, REASONS)
    if place := rule.get("fieldPath", ""):
        if not place.strip():
            yield fields.invalid(f"{path}.fieldPath", place, "must be non-empty if specified")
        if _BREAK.search(place):
            yield fields.invalid(f"{path}.fieldPath", place, "must not contain line breaks")
        if fieldpath.normal(place, schema) is None:
            yield fields.invalid(f"{path}.fieldPath", place, "must be a valid path")


def errors(schema: Schema, path: str) -> list[FieldError]:
    """Return what is wrong with the expressions of all rules in the schema of a version.

    CEL is loaded only where there are rules.
    """
    if not any(one.get("x-kubernetes-validations") for one in walking.schemas(schema)):
        return []
    from wherry.apiserver.kinds.apiextensions import expressions

    return expressions.errors(schema, path)
