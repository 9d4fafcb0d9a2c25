"""PodDisruptionBudget (policy/v1, policy/v1beta1). What it does to evictions is in `wherry.apiserver.api.eviction`.

Source: k8s.io/kubernetes pkg/apis/policy/validation/validation.go, pkg/registry/policy/poddisruptionbudget/strategy.go,
pkg/printers/internalversion/printers.go (printPodDisruptionBudget).
"""

from __future__ import annotations

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.common import cells, checks, labelselector, rollout
from wherry.apiserver.kinds.policy import beta
from wherry.objects import Object, fields
from wherry.objects.errors import FieldError
from wherry.objects.resource import POD_DISRUPTION_BUDGETS

_POLICIES = ("AlwaysAllow", "IfHealthyBudget")
_COUNTERS = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")
BETA = ("policy", "v1beta1")


def _default(obj: Object) -> None:
    obj["spec"] = obj.get("spec") or {}


def _prepare(new: Object, old: Object | None, context: Context) -> None:
    if old is None:
        new["status"] = dict.fromkeys(_COUNTERS, 0)


def _validate(obj: Object) -> list[FieldError]:
    spec, errors = obj["spec"], []
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        errors.append(fields.invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set"))
    for key in ("minAvailable", "maxUnavailable"):
        if (value := spec.get(key)) is not None:
            errors += rollout.validate(f"spec.{key}", value) + rollout.at_most_all(f"spec.{key}", value)
    errors += labelselector.validate("spec.selector", spec.get("selector"))
    if (policy := spec.get("unhealthyPodEvictionPolicy")) is not None and policy not in _POLICIES:
        errors.append(fields.not_supported("spec.unhealthyPodEvictionPolicy", policy, _POLICIES))
    return errors


def _validate_update(new: Object, old: Object) -> list[FieldError]:
    status = new.get("status") or {}
    return [error for key in _COUNTERS for error in checks.nonnegative(f"status.{key}", status.get(key))]


def _shown(key: str, obj: Object) -> str:
    value = (obj.get("spec") or {}).get(key)
    return "N/A" if value is None else str(value)


POD_DISRUPTION_BUDGET = Kind(
    resource=POD_DISRUPTION_BUDGETS,
    also=(BETA,),
    conversions={BETA: beta.CONVERSION},
    deprecations={
        BETA: "policy/v1beta1 PodDisruptionBudget is deprecated in v1.21+, unavailable in v1.25+; use policy/v1 "
        "PodDisruptionBudget"
    },
    short_names=("pdb",),
    default=_default,
    prepare=_prepare,
    validate=_validate,
    validate_update=_validate_update,
    has_status=True,
    generation=True,
    unconditional_update=False,
    columns=(
        Column("Min Available", lambda obj: _shown("minAvailable", obj)),
        Column("Max Unavailable", lambda obj: _shown("maxUnavailable", obj)),
        Column("Allowed Disruptions", lambda obj: cells.status(obj, "disruptionsAllowed"), "integer"),
    ),
)
