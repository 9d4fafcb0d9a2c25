"""What a Job makes of the ends of its pods: `podFailurePolicy`, `successPolicy`, `podReplacementPolicy`.

Source: k8s.io/kubernetes pkg/apis/batch/validation/validation.go (KEP-3329, KEP-3998, KEP-3939).
"""

from __future__ import annotations

from collections.abc import Collection

from wherry.apiserver.kinds.common import checks
from wherry.objects import Object, fields, indexes, names
from wherry.objects.errors import FieldError
from wherry.objects.meaning.jobs import is_indexed

_RULES = 20
_VALUES = 255
_INDEXES_LENGTH = 64 * 1024
_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
_OPERATORS = ("In", "NotIn")
_STATUSES = ("False", "True", "Unknown")
_REPLACEMENTS = ("Failed", "TerminatingOrFailed")


def default(policy: Object) -> None:
    """Fill in a podFailurePolicy."""
    for rule in policy.get("rules") or ():
        for pattern in rule.get("onPodConditions") or ():
            pattern["status"] = pattern.get("status") or "True"


def validate(path: str, spec: Object) -> list[FieldError]:
    """Check the policies of a Job's spec at `path`."""
    errors = []
    failing = spec.get("podFailurePolicy")
    if failing is not None:
        errors += _failing(f"{path}.podFailurePolicy.rules", failing, spec)
    if spec.get("successPolicy") is not None and is_indexed(spec):
        errors += _succeeding(f"{path}.successPolicy.rules", spec["successPolicy"], spec.get("completions") or 0)
    allowed = _REPLACEMENTS if failing is None else ("Failed",)
    if (replacement := spec.get("podReplacementPolicy")) not in (None, *allowed):
        errors.append(fields.not_supported(f"{path}.podReplacementPolicy", replacement, allowed))
    return errors


def _failing(path: str, policy: Object, spec: Object) -> list[FieldError]:
    rules, pod = policy.get("rules") or [], spec["template"]["spec"]
    containers = {c.get("name") for key in ("containers", "initContainers") for c in pod.get(key) or ()}
    errors = [fields.too_many(path, len(rules), _RULES)] if len(rules) > _RULES else []
    for i, rule in enumerate(rules):
        errors += _action(f"{path}[{i}].action", rule.get("action"), spec)
        errors += _reason(f"{path}[{i}]", rule, containers)
    return errors


def _action(path: str, action: str | None, spec: Object) -> list[FieldError]:
    if action == "FailIndex" and spec.get("backoffLimitPerIndex") is None:
        return [fields.invalid(path, action, "requires the backoffLimitPerIndex to be set")]
    return checks.one_of(path, action, _ACTIONS)


def _reason(path: str, rule: Object, containers: Collection[str]) -> list[FieldError]:
    codes, conditions = rule.get("onExitCodes"), rule.get("onPodConditions") or []
    errors = []
    if codes is not None:
        errors += _exit_codes(f"{path}.onExitCodes", codes, containers)
    if len(conditions) > _RULES:
        errors.append(fields.too_many(f"{path}.onPodConditions", len(conditions), _RULES))
    for i, pattern in enumerate(conditions):
        here = f"{path}.onPodConditions[{i}]"
        errors += checks.named(f"{here}.type", pattern.get("type") or "", names.qualified_name)
        errors += checks.one_of(f"{here}.status", pattern.get("status"), _STATUSES)
    if codes is not None and conditions:
        errors.append(fields.invalid(path, rule, "specifying both OnExitCodes and OnPodConditions is not supported"))
    if codes is None and not conditions:
        errors.append(fields.invalid(path, rule, "specifying one of OnExitCodes and OnPodConditions is required"))
    return errors


def _exit_codes(path: str, codes: Object, containers: Collection[str]) -> list[FieldError]:
    operator, values = codes.get("operator"), codes.get("values") or []
    errors = checks.one_of(f"{path}.operator", operator, _OPERATORS)
    if (name := codes.get("containerName")) is not None and name not in containers:
        text = "must be one of the container or initContainer names in the pod template"
        errors.append(fields.invalid(f"{path}.containerName", name, text))
    if not values:
        errors.append(fields.invalid(f"{path}.values", values, "at least one value is required"))
    if len(values) > _VALUES:
        errors.append(fields.too_many(f"{path}.values", len(values), _VALUES))
    for i, value in enumerate(values):
        if operator == "In" and value == 0:
            errors.append(fields.invalid(f"{path}.values[{i}]", value, "must not be 0 for the In operator"))
        if value in values[:i]:
            errors.append(fields.duplicate(f"{path}.values[{i}]", value))
    if values != sorted(values):
        errors.append(fields.invalid(f"{path}.values", values, "must be ordered"))
    return errors


def _succeeding(path: str, policy: Object, completions: int) -> list[FieldError]:
    rules = policy.get("rules") or []
    errors = []
    if not rules:
        text = "at least one rules must be specified when the successPolicy is specified"
        errors.append(fields.required(path, text))
    if len(rules) > _RULES:
        errors.append(fields.too_many(path, len(rules), _RULES))
    for i, rule in enumerate(rules):
        errors += _success(f"{path}[{i}]", rule, completions)
    return errors


def _success(path: str, rule: Object, completions: int) -> list[FieldError]:
    count, text = rule.get("succeededCount"), rule.get("succeededIndexes")
    errors, listed = [], completions
    if count is None and text is None:
        errors.append(fields.required(path, "at least one of succeededCount or succeededIndexes must be specified"))
    if text is not None:
        if len(text) > _INDEXES_LENGTH:
            errors.append(fields.too_long(f"{path}.succeededIndexes", _INDEXES_LENGTH))
        try:
            listed = len(indexes.parse(text, completions))
        except ValueError as error:
            why = f"error parsing succeededIndexes: {error}"
            return [*errors, fields.invalid(f"{path}.succeededIndexes", text, why)]
    if count is None:
        return errors
    errors += checks.nonnegative(f"{path}.succeededCount", count)
    if count > completions:
        why = f"must be less than or equal to {completions} (the number of specified completions)"
        errors.append(fields.invalid(f"{path}.succeededCount", count, why))
    if text is not None and count > listed:
        why = f"must be less than or equal to {listed} (the number of indexes in the specified succeededIndexes field)"
        errors.append(fields.invalid(f"{path}.succeededCount", count, why))
    return errors
