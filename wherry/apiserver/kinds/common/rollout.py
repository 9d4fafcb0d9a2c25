"""`maxSurge` and `maxUnavailable`: counts or percentages, and how they go together.

Source: k8s.io/kubernetes pkg/apis/apps/validation/validation.go.
"""

from __future__ import annotations

import re
from typing import Any

from wherry.apiserver.kinds.common import checks
from wherry.objects import Object, fields
from wherry.objects.errors import FieldError

IntOrPercent = int | str
_percent = re.compile("[0-9]+%")
_PERCENT_RULE = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for "
    "validation is '[0-9]+%')"
)


def number(value: IntOrPercent | None) -> int:
    """Return the count, or the number before the per cent sign; 0 for text that is neither."""
    if isinstance(value, str):
        return int(value[:-1]) if _percent.fullmatch(value) else 0
    return value or 0


def validate(path: str, value: IntOrPercent | None) -> list[FieldError]:
    """Check a count or percentage."""
    if isinstance(value, str):
        return [] if _percent.fullmatch(value) else [fields.invalid(path, value, _PERCENT_RULE)]
    return checks.nonnegative(path, value)


def at_most_all(path: str, value: IntOrPercent | None) -> list[FieldError]:
    """Refuse a percentage above 100."""
    if isinstance(value, str) and number(value) > 100:
        return [fields.invalid(path, value, "must not be greater than 100%")]
    return []


def unknown_strategy(path: str, strategy: Object, allowed: tuple[str, str]) -> FieldError:
    """Return the error for a strategy of no known type, shown as upstream's internal type prints it."""
    shown: dict[str, Any] = {"Type": strategy.get("type", ""), "RollingUpdate": strategy.get("rollingUpdate")}
    return fields.not_supported(path, shown, allowed)
