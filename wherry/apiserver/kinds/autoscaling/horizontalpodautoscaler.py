"""HorizontalPodAutoscaler (autoscaling/v2, autoscaling/v1). What acts on it is `wherry.controllers.autoscaling`.

Source: k8s.io/kubernetes pkg/apis/autoscaling/v2/defaults.go, pkg/apis/autoscaling/validation/validation.go,
pkg/printers/internalversion/printers.go (printHorizontalPodAutoscaler).
"""

from __future__ import annotations

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.autoscaling import metricspec, scalingrules, shown, v1
from wherry.apiserver.kinds.common import cells, defaults
from wherry.objects import Object, fields, metadata
from wherry.objects.errors import FieldError
from wherry.objects.meaning import autoscaling
from wherry.objects.resource import HORIZONTAL_POD_AUTOSCALERS

_DIRECTIONS = ("scaleUp", "scaleDown")
_DEFAULT_UTILIZATION = 80
_UNREAD = ("Pods", "Object", "External")


def _default(obj: Object) -> None:
    spec = obj["spec"] = obj.get("spec") or {}
    defaults.fill(spec, minReplicas=1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": _DEFAULT_UTILIZATION}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    if spec.get("behavior") is not None:
        spec["behavior"] = {d: metadata.copy(autoscaling.rules(obj, d)) for d in _DIRECTIONS}


def _prepare(new: Object, old: Object | None, context: Context) -> None:
    """Warn of metrics that nobody here reads, once they are new."""
    if old is None:
        new["status"] = {"currentReplicas": 0, "desiredReplicas": 0}
    known = (old or {}).get("spec", {}).get("metrics") or ()
    for i, metric in enumerate(new["spec"]["metrics"]):
        if metric.get("type") in _UNREAD and metric not in known:
            context.warn(f"spec.metrics[{i}]: wherry reads no metrics of type {metric['type']}: this one has no effect")


def _validate(obj: Object) -> list[FieldError]:
    spec = obj["spec"]
    errors, least, most = [], spec["minReplicas"], spec.get("maxReplicas") or 0
    if least < 1:
        errors.append(fields.invalid("spec.minReplicas", least, "must be greater than or equal to 1"))
    if most < 1:
        errors.append(fields.invalid("spec.maxReplicas", most, "must be greater than 0"))
    if most < least:
        errors.append(fields.invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`"))
    errors += metricspec.reference("spec.scaleTargetRef", spec.get("scaleTargetRef") or {})
    for i, metric in enumerate(spec["metrics"]):
        errors += metricspec.validate(f"spec.metrics[{i}]", metric)
    for direction, rules in (spec.get("behavior") or {}).items():
        errors += scalingrules.validate(f"spec.behavior.{direction}", rules)
    return errors


V1 = ("autoscaling", "v1")
HORIZONTAL_POD_AUTOSCALER = Kind(
    resource=HORIZONTAL_POD_AUTOSCALERS,
    also=(V1,),
    conversions={V1: v1.CONVERSION},
    short_names=("hpa",),
    categories=("all",),
    default=_default,
    prepare=_prepare,
    validate=_validate,
    has_status=True,
    generation=True,
    columns=(
        Column("Reference", shown.reference),
        Column("Targets", shown.targets),
        Column("MinPods", lambda obj: cells.text(obj, "spec", "minReplicas") or "<unset>"),
        Column("MaxPods", lambda obj: (obj.get("spec") or {}).get("maxReplicas") or 0, "integer"),
        Column("Replicas", lambda obj: cells.status(obj, "currentReplicas"), "integer"),
    ),
)
