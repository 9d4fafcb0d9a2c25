"""Topology spread constraints of a pod.

Source: k8s.io/kubernetes pkg/apis/core/validation/validation.go (validateTopologySpreadConstraints).
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.apiserver.kinds.common import checks, labelselector
from wherry.objects import Object, fields
from wherry.objects.errors import FieldError


def validate(path: str, constraints: Sequence[Object]) -> list[FieldError]:
    """Check `spec.topologySpreadConstraints`; topology key and action together must be unique."""
    errors, seen = [], set()
    for i, constraint in enumerate(constraints):
        here = f"{path}[{i}]"
        skew = constraint.get("maxSkew") or 0
        key, action = constraint.get("topologyKey") or "", constraint.get("whenUnsatisfiable") or ""
        if skew <= 0:
            errors.append(fields.invalid(f"{here}.maxSkew", skew, "must be greater than zero"))
        if not key:
            errors.append(fields.required(f"{here}.topologyKey", "can not be empty"))
        actions = ("DoNotSchedule", "ScheduleAnyway")
        if action not in actions:
            errors.append(fields.not_supported(f"{here}.whenUnsatisfiable", action, actions))
        if (key, action) in seen:
            where = f"{here}.{{topologyKey, whenUnsatisfiable}}"
            errors.append(fields.duplicate(where, f"{{{key}, {action}}}"))
        seen.add((key, action))
        errors += _min_domains(f"{here}.minDomains", constraint.get("minDomains"), action)
        for policy in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            if constraint.get(policy) is not None:
                errors += checks.one_of(f"{here}.{policy}", constraint[policy], ("Honor", "Ignore"))
        errors += labelselector.validate(f"{here}.labelSelector", constraint.get("labelSelector"))
    return errors


def _min_domains(path: str, count: int | None, action: str) -> list[FieldError]:
    if count is None:
        return []
    errors = [fields.invalid(path, count, "must be greater than zero")] if count <= 0 else []
    if action != "DoNotSchedule":
        text = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"
        errors.append(fields.invalid(path, count, text))
    return errors
