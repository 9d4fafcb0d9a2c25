"""HorizontalPodAutoscalers as autoscaling/v1 has them: one share of the CPU, and annotations for the rest.

Source: k8s.io/kubernetes pkg/apis/autoscaling/v1/conversion.go, k8s.io/api autoscaling/v1 types.go (MetricSpec).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from wherry.apiserver.kind import Conversion
from wherry.apiserver.kinds.autoscaling.metricspec import SOURCES
from wherry.objects import Object, schema

_V2 = ("autoscaling", "v2", "HorizontalPodAutoscaler")
_PREFIX = "autoscaling.alpha.kubernetes.io/"
METRICS, STATUSES = f"{_PREFIX}metrics", f"{_PREFIX}current-metrics"
CONDITIONS, BEHAVIOR = f"{_PREFIX}conditions", f"{_PREFIX}behavior"
_ALL = (METRICS, STATUSES, CONDITIONS, BEHAVIOR)
_RESOURCE = (
    ("target.averageUtilization", "targetAverageUtilization"),
    ("target.averageValue", "targetAverageValue"),
    ("current.averageUtilization", "currentAverageUtilization"),
    ("current.averageValue", "currentAverageValue"),
)
_NAMES: dict[str, Sequence[tuple[str, str]]] = {
    "resource": (("name", "name"), *_RESOURCE),
    "containerResource": (("name", "name"), ("container", "container"), *_RESOURCE),
    "pods": (
        ("metric.name", "metricName"),
        ("metric.selector", "selector"),
        ("target.averageValue", "targetAverageValue"),
        ("current.averageValue", "currentAverageValue"),
    ),
    "object": (
        ("describedObject", "target"),
        ("metric.name", "metricName"),
        ("metric.selector", "selector"),
        ("target.value", "targetValue"),
        ("target.averageValue", "averageValue"),
        ("current.value", "currentValue"),
        ("current.averageValue", "averageValue"),
    ),
    "external": (
        ("metric.name", "metricName"),
        ("metric.selector", "metricSelector"),
        ("target.value", "targetValue"),
        ("target.averageValue", "targetAverageValue"),
        ("current.value", "currentValue"),
        ("current.averageValue", "currentAverageValue"),
    ),
}
"""Where v2 has a field of each source, and what v1's annotations call it."""
_TYPES = (("averageUtilization", "Utilization"), ("averageValue", "AverageValue"), ("value", "Value"))


def _to_storage(obj: Object) -> Object:
    meta, spec, status = dict(obj["metadata"]), dict(obj.get("spec") or {}), dict(obj.get("status") or {})
    notes = dict(meta.get("annotations") or {})
    kept = {key: _parsed(notes.pop(key, "")) for key in _ALL}
    metrics = [_grown(metric, "target") for metric in _objects(kept[METRICS])]
    current = [_grown(metric, "current") for metric in _objects(kept[STATUSES])]
    if (share := spec.pop("targetCPUUtilizationPercentage", None)) is not None:
        metrics.insert(0, _cpu("target", {"type": "Utilization", "averageUtilization": share}))
    if (share := status.pop("currentCPUUtilizationPercentage", None)) is not None:
        current.insert(0, _cpu("current", {"averageUtilization": share}))
    spec |= _present(metrics=metrics, behavior=kept[BEHAVIOR] if isinstance(kept[BEHAVIOR], dict) else None)
    status |= _present(currentMetrics=current, conditions=_objects(kept[CONDITIONS]))
    made = _made(obj, meta, notes, spec, status)
    return schema.typed(made, _V2)[0] if any(kept.values()) else made


def _from_storage(obj: Object) -> Object:
    meta, spec, status = dict(obj["metadata"]), dict(obj.get("spec") or {}), dict(obj.get("status") or {})
    notes = dict(meta.get("annotations") or {})
    metrics, current = list(spec.pop("metrics", None) or ()), list(status.pop("currentMetrics", None) or ())
    if (share := _taken(metrics, "target")) is not None:
        spec["targetCPUUtilizationPercentage"] = share
    if (share := _taken(current, "current")) is not None:
        status["currentCPUUtilizationPercentage"] = share
    told = {
        METRICS: [_flat(metric, "target") for metric in metrics],
        STATUSES: [_flat(metric, "current") for metric in current],
        CONDITIONS: status.pop("conditions", None),
        BEHAVIOR: spec.pop("behavior", None),
    }
    notes |= {key: json.dumps(value, separators=(",", ":")) for key, value in told.items() if value}
    return _made(obj, meta, notes, spec, status)


def _made(obj: Object, meta: Object, notes: Object, spec: Object, status: Object) -> Object:
    meta.pop("annotations", None)
    meta |= _present(annotations=notes)
    return {**obj, "metadata": meta, "spec": spec} | _present(status=status)


def _present(**values: Any) -> Object:
    return {key: value for key, value in values.items() if value}


def _cpu(part: str, value: Object) -> Object:
    return {"type": "Resource", "resource": {"name": "cpu", part: value}}


def _taken(metrics: list[Object], part: str) -> int | None:
    """Take the first share of the CPU out of the metrics."""
    for i, metric in enumerate(metrics):
        source = metric.get("resource") or {}
        share = (source.get(part) or {}).get("averageUtilization")
        if source.get("name") == "cpu" and share is not None:
            del metrics[i]
            return int(share)
    return None


def _flat(metric: Object, part: str) -> Object:
    """Return a metric as the annotation has it: `part` is `target` or `current`."""
    field = SOURCES.get(metric.get("type", ""), "")
    source, made = metric.get(field) or {}, {}
    for path, name in _of(field, part):
        key, _, inner = path.partition(".")
        value = (source.get(key) or {}).get(inner) if inner else source.get(key)
        if value is not None:
            made[name] = value
    return {"type": metric.get("type", ""), field: made}


def _grown(metric: Object, part: str) -> Object:
    field = SOURCES.get(str(metric.get("type", "")), "")
    source = metric.get(field)
    if not isinstance(source, dict):
        return metric
    made: Object = {}
    for path, name in _of(field, part):
        key, _, inner = path.partition(".")
        if (value := source.get(name)) is None:
            continue
        if inner:
            made[key] = made.get(key, {}) | {inner: value}
        else:
            made[key] = value
    if part == "target" and "target" in made:
        made["target"] = {"type": next(kind for key, kind in _TYPES if key in made["target"])} | made["target"]
    return {"type": metric["type"], field: made}


def _of(field: str, part: str) -> list[tuple[str, str]]:
    other = "current." if part == "target" else "target."
    return [(path, name) for path, name in _NAMES.get(field, ()) if not path.startswith(other)]


def _parsed(text: str) -> Any:
    """Return what an annotation says; one that is no JSON says nothing, as upstream drops it."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None


def _objects(value: Any) -> list[Object]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


CONVERSION = Conversion(_to_storage, _from_storage)
