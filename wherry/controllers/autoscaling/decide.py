"""Pure: how many pods a HorizontalPodAutoscaler is to have, and what its status tells of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wherry.controllers.autoscaling import pace, usage
from wherry.controllers.autoscaling.pace import Memory
from wherry.controllers.autoscaling.usage import Sample, Unknown, Wanted
from wherry.objects import Object, metadata, quantity
from wherry.objects.meaning import autoscaling
from wherry.objects.timestamps import rfc3339

FIELDS = {"Resource": "resource", "ContainerResource": "containerResource"}
Told = tuple[str, str, str]
"""A condition's status, reason and message."""


@dataclass
class Decision:
    """What is to be done: so many `replicas` for a `reason` ("" where nothing changes), and what is told.

    `events` are Warnings: (reason, text). `metrics` is None where nothing was measured.
    """

    replicas: int
    reason: str = ""
    conditions: dict[str, Told] = field(default_factory=dict)
    events: list[tuple[str, str]] = field(default_factory=list)
    metrics: list[Object] | None = None


def measures(autoscaler: Object, replicas: int) -> bool:
    """Return whether use decides: not where nothing is to run, nor out of bounds."""
    spec = autoscaler["spec"]
    return replicas != 0 and (spec.get("minReplicas") or 1) <= replicas <= spec["maxReplicas"]


def unmeasured(autoscaler: Object, replicas: int) -> Decision:
    """Return the decision where use does not decide (see `measures`)."""
    spec = autoscaler["spec"]
    if replicas == 0:
        text = "scaling is disabled since the replica count of the target is zero"
        return Decision(0, conditions={"ScalingActive": ("False", "ScalingDisabled", text)})
    if replicas > spec["maxReplicas"]:
        return Decision(spec["maxReplicas"], "Current number of replicas above Spec.MaxReplicas")
    return Decision(spec.get("minReplicas") or 1, "Current number of replicas below Spec.MinReplicas")


def unselected(replicas: int) -> Decision:
    """Return the decision for a target that does not say which pods are its."""
    told = ("False", "InvalidSelector", "the HPA target's scale is missing a selector")
    return Decision(replicas, conditions={"ScalingActive": told}, events=[("SelectorRequired", "selector is required")])


def decide(
    autoscaler: Object,
    pods: Sequence[Object],
    samples: Mapping[str, Sample] | Unknown,
    replicas: int,
    memory: Memory,
    now: float,
) -> Decision:
    """Return the decision that what the pods use leads to, where there are to be `replicas` now."""
    metrics = autoscaler["spec"].get("metrics") or ()
    found = [_one(autoscaler, metric, pods, samples, replicas, now) for metric in metrics]
    known = [(metric, value) for metric, value in zip(metrics, found, strict=True) if isinstance(value, Wanted)]
    failed = [(metric, value) for metric, value in zip(metrics, found, strict=True) if isinstance(value, Unknown)]
    events = [_failure(metric, value) for metric, value in failed]
    most, name = max(((value.replicas, _title(metric)) for metric, value in known), default=(0, ""), key=lambda f: f[0])
    if failed and (not known or most < replicas):
        return _inactive(replicas, events, len(metrics))
    text = f"the HPA was able to successfully calculate a replica count from {name}"
    paced = pace.pace(autoscaler, replicas, most, memory, now)
    return Decision(
        paced.replicas,
        _reason(name, most, replicas) if paced.replicas != replicas else "",
        {
            "AbleToScale": paced.able,
            "ScalingActive": ("True", "ValidMetricFound", text),
            "ScalingLimited": paced.limited,
        },
        events,
        [_shown(metric, value) for metric, value in known],
    )


def status(autoscaler: Object, decision: Decision, replicas: int, there: int, now: float) -> Object:
    """Return the status: `there` pods are there, and were to be `replicas` before the decision."""
    before = autoscaler.get("status") or {}
    conditions = before.get("conditions")
    for kind, (state, reason, text) in decision.conditions.items():
        conditions = metadata.set_condition(conditions, kind, state, reason, text, rfc3339(now))
    made: Object = {
        **before,
        "observedGeneration": autoscaler["metadata"].get("generation", 0),
        "currentReplicas": there,
        "desiredReplicas": decision.replicas,
        "conditions": conditions,
    }
    if decision.metrics is not None:
        made["currentMetrics"] = decision.metrics
    if decision.replicas != replicas:
        made["lastScaleTime"] = rfc3339(now)
    return made


def _one(
    autoscaler: Object,
    metric: Object,
    pods: Sequence[Object],
    samples: Mapping[str, Sample] | Unknown,
    replicas: int,
    now: float,
) -> Wanted | Unknown:
    kind = metric["type"]
    if kind not in FIELDS:
        return Unknown(f"wherry reads no metrics of type {kind}")
    if isinstance(samples, Unknown):
        return samples
    return usage.wanted(usage.aim(metric[FIELDS[kind]], _slack(autoscaler)), pods, samples, replicas, now)


def _slack(autoscaler: Object) -> tuple[float, float]:
    below, above = (_tolerance(autoscaler, direction) for direction in ("scaleDown", "scaleUp"))
    return below, above


def _tolerance(autoscaler: Object, direction: str) -> float:
    given = autoscaling.rules(autoscaler, direction).get("tolerance")
    return usage.TOLERANCE if given is None else quantity.milli(given) / 1000


def _title(metric: Object) -> str:
    """Return what a metric is called in messages."""
    if metric["type"] not in FIELDS:
        return f"{metric['type']} metric"
    source = metric[FIELDS[metric["type"]]]
    of = "resource utilization (percentage of request)" if "averageUtilization" in source["target"] else "resource"
    return f"{source['name']} {'container ' if source.get('container') else ''}{of}"


def _failure(metric: Object, value: Unknown) -> tuple[str, str]:
    kind = metric["type"]
    source = metric.get(FIELDS.get(kind, "")) or {}
    name = f"{source['name']} " if source.get("name") else ""
    noun = "resource metric" if kind in FIELDS else f"{kind} metric"
    return f"FailedGet{kind}Metric", f"failed to get {name}{noun}: {value.why}"


def _inactive(replicas: int, events: list[tuple[str, str]], count: int) -> Decision:
    reason, first = events[0]
    text = f"the HPA was unable to compute the replica count: {first}"
    whole = f"invalid metrics ({len(events)} invalid out of {count}), first error is: {first}"
    told = [*events, ("FailedComputeMetricsReplicas", whole)]
    return Decision(replicas, conditions={"ScalingActive": ("False", reason, text)}, events=told)


def _reason(name: str, wanted: int, replicas: int) -> str:
    return f"{name} above target" if wanted > replicas else "All metrics below target"


def _shown(metric: Object, value: Wanted) -> Object:
    source = metric[FIELDS[metric["type"]]]
    what = {key: source[key] for key in ("name", "container") if source.get(key)}
    return {"type": metric["type"], FIELDS[metric["type"]]: what | {"current": value.value}}
