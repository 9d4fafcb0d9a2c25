"""The `matchConditions` of webhooks and policies: are they well formed, do they compile?

Source: kubernetes pkg/apis/admissionregistration/validation/validation.go (validateMatchConditions).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError

MOST = 64
VARIABLES = ("object", "oldObject", "request", "authorizer")
"""What a condition may speak of."""


def errors(conditions: Sequence[Object], path: str, variables: tuple[str, ...] = VARIABLES) -> Iterator[FieldError]:
    """Yield what is wrong with a list of conditions."""
    if len(conditions) > MOST:
        yield fields.too_many(path, len(conditions), MOST)
    seen: set[str] = set()
    for i, condition in enumerate(conditions):
        here, name = f"{path}[{i}]", condition.get("name") or ""
        if not name:
            yield fields.required(f"{here}.name")
        else:
            yield from (fields.invalid(f"{here}.name", name, text) for text in names.qualified_name(name))
        if name in seen:
            yield fields.duplicate(f"{here}.name", name)
        seen.add(name)
        yield from expression(condition.get("expression") or "", f"{here}.expression", variables, "BOOL")


def expression(text: str, path: str, variables: tuple[str, ...], *wanted: str) -> Iterator[FieldError]:
    """Yield what is wrong with an expression that must be there; CEL is loaded only where there is one."""
    if not text.strip():
        yield fields.required(path)
        return
    from wherry.cel import typeless

    if why := typeless.problem(text, variables, *wanted):
        yield fields.invalid(path, text, why)
