"""Deployment (apps/v1).

Source: k8s.io/kubernetes pkg/apis/apps/v1/defaults.go, pkg/apis/apps/validation/validation.go,
pkg/printers/internalversion/printers.go (printDeployment).
"""

from __future__ import annotations

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.common import cells, checks, defaults, rollout
from wherry.apiserver.kinds.core.pods import podtemplate, podwarnings
from wherry.objects import Object, fields
from wherry.objects.errors import FieldError
from wherry.objects.resource import DEPLOYMENTS

_TYPES = ("Recreate", "RollingUpdate")


def _default(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    podtemplate.default(spec)
    defaults.fill(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    strategy = spec["strategy"] = spec.get("strategy") or {}
    strategy["type"] = strategy.get("type") or "RollingUpdate"
    if strategy["type"] == "RollingUpdate":
        rolling = strategy["rollingUpdate"] = strategy.get("rollingUpdate") or {}
        defaults.fill(rolling, maxUnavailable="25%", maxSurge="25%")


def _prepare(new: Object, old: Object | None, context: Context) -> None:
    podwarnings.of_template(new, old, context)
    if old is None:
        new["status"] = {}


def _validate(obj: Object) -> list[FieldError]:
    spec = obj["spec"]
    deadline, ready = spec["progressDeadlineSeconds"], spec.get("minReadySeconds") or 0
    errors = [
        *checks.nonnegative("spec.replicas", spec["replicas"]),
        *podtemplate.validate("spec", spec, "deployment"),
        *_strategy(spec["strategy"]),
        *checks.nonnegative("spec.minReadySeconds", ready),
        *checks.nonnegative("spec.revisionHistoryLimit", spec["revisionHistoryLimit"]),
        *checks.nonnegative("spec.progressDeadlineSeconds", deadline),
    ]
    if deadline <= ready:
        text = "must be greater than minReadySeconds"
        errors.append(fields.invalid("spec.progressDeadlineSeconds", deadline, text))
    return errors


def _strategy(strategy: Object) -> list[FieldError]:
    path, rolling = "spec.strategy.rollingUpdate", strategy.get("rollingUpdate")
    if strategy["type"] == "Recreate":
        text = "may not be specified when strategy `type` is 'Recreate'"
        return [] if rolling is None else [fields.forbidden(path, text)]
    if strategy["type"] != "RollingUpdate" or rolling is None:
        return [rollout.unknown_strategy("spec.strategy", strategy, _TYPES)]
    unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    errors = rollout.validate(f"{path}.maxUnavailable", unavailable) + rollout.validate(f"{path}.maxSurge", surge)
    if not rollout.number(unavailable) and not rollout.number(surge):
        errors.append(fields.invalid(f"{path}.maxUnavailable", unavailable, "may not be 0 when `maxSurge` is 0"))
    return errors + rollout.at_most_all(f"{path}.maxUnavailable", unavailable)


def _validate_update(new: Object, old: Object) -> list[FieldError]:
    return checks.immutable("spec.selector", new["spec"].get("selector"), old["spec"].get("selector"))


def _ready(obj: Object) -> str:
    return f"{cells.status(obj, 'readyReplicas')}/{(obj.get('spec') or {}).get('replicas') or 0}"


DEPLOYMENT = Kind(
    resource=DEPLOYMENTS,
    short_names=("deploy",),
    categories=("all",),
    default=_default,
    prepare=_prepare,
    validate=_validate,
    validate_update=_validate_update,
    has_status=True,
    status_keeps=("labels",),
    scale=True,
    generation=True,
    columns=(
        Column("Ready", _ready),
        Column("Up-to-date", lambda obj: cells.status(obj, "updatedReplicas"), "integer"),
        Column("Available", lambda obj: cells.status(obj, "availableReplicas"), "integer"),
        *cells.TEMPLATE_COLUMNS,
    ),
)
