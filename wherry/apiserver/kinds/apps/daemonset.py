"""DaemonSet (apps/v1).

Source: k8s.io/kubernetes pkg/apis/apps/v1/defaults.go, pkg/apis/apps/v1/conversion.go (template generation),
pkg/apis/apps/validation/validation.go, pkg/printers/internalversion/printers.go (printDaemonSet).
"""

from __future__ import annotations

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.common import cells, checks, defaults, rollout
from wherry.apiserver.kinds.core.pods import podtemplate, podwarnings
from wherry.objects import Object, fields, metadata
from wherry.objects.errors import FieldError
from wherry.objects.resource import DAEMON_SETS

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
_TYPES = ("RollingUpdate", "OnDelete")
_COUNTERS = ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady")


def _default(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    podtemplate.default(spec)
    defaults.fill(spec, revisionHistoryLimit=10)
    strategy = spec["updateStrategy"] = spec.get("updateStrategy") or {}
    strategy["type"] = strategy.get("type") or "RollingUpdate"
    if strategy["type"] == "RollingUpdate":
        rolling = strategy["rollingUpdate"] = strategy.get("rollingUpdate") or {}
        defaults.fill(rolling, maxUnavailable=1, maxSurge=0)


def _prepare(new: Object, old: Object | None, context: Context) -> None:
    """Count the template's changes in an annotation, as the conversion from older versions left it."""
    podwarnings.of_template(new, old, context)
    generation = 1
    if old is None:
        new["status"] = dict.fromkeys(_COUNTERS, 0)
    else:
        before = metadata.annotations(old).get(TEMPLATE_GENERATION, "1")
        generation = int(before) if before.isdigit() else 1
        generation += new["spec"]["template"] != old["spec"]["template"]
    new["metadata"]["annotations"] = {**metadata.annotations(new), TEMPLATE_GENERATION: str(generation)}


def _validate(obj: Object) -> list[FieldError]:
    spec = obj["spec"]
    return [
        *podtemplate.validate("spec", spec, "daemonset"),
        *checks.nonnegative("spec.minReadySeconds", spec.get("minReadySeconds")),
        *_strategy(spec["updateStrategy"]),
        *checks.nonnegative("spec.revisionHistoryLimit", spec["revisionHistoryLimit"]),
    ]


def _strategy(strategy: Object) -> list[FieldError]:
    if strategy["type"] == "OnDelete":
        return []
    if strategy["type"] != "RollingUpdate":
        return [rollout.unknown_strategy("spec.updateStrategy", strategy, _TYPES)]
    path, rolling = "spec.updateStrategy.rollingUpdate", strategy["rollingUpdate"]
    unavailable, surge = rolling["maxUnavailable"], rolling["maxSurge"]
    errors = []
    for key, value in (("maxUnavailable", unavailable), ("maxSurge", surge)):
        errors += rollout.validate(f"{path}.{key}", value) + rollout.at_most_all(f"{path}.{key}", value)
    if rollout.number(unavailable) and rollout.number(surge):
        errors.append(fields.invalid(f"{path}.maxSurge", surge, "may not be set when maxUnavailable is non-zero"))
    elif not rollout.number(unavailable) and not rollout.number(surge):
        errors.append(fields.required(f"{path}.maxUnavailable", "cannot be 0 when maxSurge is 0"))
    return errors


def _validate_update(new: Object, old: Object) -> list[FieldError]:
    return checks.immutable("spec.selector", new["spec"].get("selector"), old["spec"].get("selector"))


def _node_selector(obj: Object) -> str:
    return cells.labels(cells.pod_spec(obj).get("nodeSelector"))


DAEMON_SET = Kind(
    resource=DAEMON_SETS,
    short_names=("ds",),
    categories=("all",),
    default=_default,
    prepare=_prepare,
    validate=_validate,
    validate_update=_validate_update,
    has_status=True,
    generation=True,
    columns=(
        Column("Desired", lambda obj: cells.status(obj, "desiredNumberScheduled"), "integer"),
        Column("Current", lambda obj: cells.status(obj, "currentNumberScheduled"), "integer"),
        Column("Ready", lambda obj: cells.status(obj, "numberReady"), "integer"),
        Column("Up-to-date", lambda obj: cells.status(obj, "updatedNumberScheduled"), "integer"),
        Column("Available", lambda obj: cells.status(obj, "numberAvailable"), "integer"),
        Column("Node Selector", _node_selector),
        *cells.TEMPLATE_COLUMNS,
    ),
)
