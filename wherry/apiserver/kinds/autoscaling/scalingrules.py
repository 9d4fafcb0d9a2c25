"""How fast a HorizontalPodAutoscaler may go: `spec.behavior.scaleUp` and `scaleDown`.

Source: k8s.io/kubernetes pkg/apis/autoscaling/validation/validation.go (validateScalingRules).
"""

from __future__ import annotations

from wherry.objects import Object, fields, quantity
from wherry.objects.errors import FieldError

LONGEST_WINDOW_SECONDS = 3600
LONGEST_PERIOD_SECONDS = 1800
_SELECT = ("Disabled", "Max", "Min")
_TYPES = ("Percent", "Pods")


def validate(path: str, rules: Object) -> list[FieldError]:
    """Check the rules of one direction, defaults filled in."""
    errors, window = [], rules.get("stabilizationWindowSeconds")
    here = f"{path}.stabilizationWindowSeconds"
    if window is not None and window < 0:
        errors.append(fields.invalid(here, window, "must be greater than or equal to zero"))
    if window is not None and window > LONGEST_WINDOW_SECONDS:
        errors.append(fields.invalid(here, window, f"must be less than or equal to {LONGEST_WINDOW_SECONDS}"))
    if rules["selectPolicy"] not in _SELECT:
        errors.append(fields.not_supported(f"{path}.selectPolicy", rules["selectPolicy"], _SELECT))
    if not rules["policies"]:
        errors.append(fields.required(f"{path}.policies", "must specify at least one Policy"))
    for i, policy in enumerate(rules["policies"]):
        errors += _policy(f"{path}.policies[{i}]", policy)
    tolerance = rules.get("tolerance")
    if tolerance is not None and quantity.compare(tolerance, 0) < 0:
        errors.append(fields.invalid(f"{path}.tolerance", tolerance, "must be greater than or equal to 0"))
    return errors


def _policy(path: str, policy: Object) -> list[FieldError]:
    errors, kind = [], policy.get("type") or ""
    value, period = policy.get("value") or 0, policy.get("periodSeconds") or 0
    if kind not in _TYPES:
        errors.append(fields.not_supported(f"{path}.type", kind, _TYPES))
    if value <= 0:
        errors.append(fields.invalid(f"{path}.value", value, "must be greater than zero"))
    if period <= 0:
        errors.append(fields.invalid(f"{path}.periodSeconds", period, "must be greater than zero"))
    if period > LONGEST_PERIOD_SECONDS:
        text = f"must be less than or equal to {LONGEST_PERIOD_SECONDS}"
        errors.append(fields.invalid(f"{path}.periodSeconds", period, text))
    return errors
