"""The check on a `metav1.LabelSelector`.

Source of rules and texts: k8s.io/apimachinery pkg/apis/meta/v1/validation/validation.go.
"""

from __future__ import annotations

from wherry.apiserver.kinds.common import checks, objectmeta
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError


def validate(path: str, selector: Object | None) -> list[FieldError]:
    """Check the labels and expressions of a selector; None is no selector, which is fine here."""
    if selector is None:
        return []
    errors = objectmeta.validate_labels(f"{path}.matchLabels", selector.get("matchLabels") or {})
    for i, expression in enumerate(selector.get("matchExpressions") or ()):
        errors += validate_expression(f"{path}.matchExpressions[{i}]", expression)
    return errors


def is_empty(selector: Object) -> bool:
    """Return whether the selector has no term, and so selects everything."""
    return not selector.get("matchLabels") and not selector.get("matchExpressions")


def validate_expression(path: str, expression: Object, *, numbers: bool = False) -> list[FieldError]:
    """Check one expression; with `numbers`, Gt and Lt are operators too, as in a node selector's."""
    values = expression.get("values") or []
    errors = []
    match expression.get("operator"):
        case "In" | "NotIn":
            if not values:
                text = "must be specified when `operator` is 'In' or 'NotIn'"
                errors.append(fields.required(f"{path}.values", text))
        case "Exists" | "DoesNotExist":
            if values:
                text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                errors.append(fields.forbidden(f"{path}.values", text))
        case "Gt" | "Lt" if numbers:
            if len(values) != 1:
                text = "must be specified single value when `operator` is 'Lt' or 'Gt'"
                errors.append(fields.required(f"{path}.values", text))
        case operator:
            errors.append(fields.invalid(f"{path}.operator", operator or "", "not a valid selector operator"))
    errors += checks.named(f"{path}.key", expression.get("key") or "", names.label_key)
    for i, value in enumerate(values):
        errors += checks.named(f"{path}.values[{i}]", value, names.label_value)
    return errors
