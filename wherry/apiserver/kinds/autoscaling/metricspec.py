"""One metric of a HorizontalPodAutoscaler: where it is read, and what it aims at.

Source: k8s.io/kubernetes pkg/apis/autoscaling/validation/validation.go.
"""

from __future__ import annotations

from wherry.apiserver.kinds.common import checks, labelselector
from wherry.objects import Object, fields, names, quantity
from wherry.objects.errors import FieldError

SOURCES = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
"""The field that a metric of each type fills in."""
_TARGETS = ("Utilization", "Value", "AverageValue")


def reference(path: str, value: Object) -> list[FieldError]:
    """Check what refers to an object in the same namespace."""
    return [
        *checks.required_name(f"{path}.kind", value.get("kind"), names.path_segment),
        *checks.required_name(f"{path}.name", value.get("name"), names.path_segment),
    ]


def validate(path: str, metric: Object) -> list[FieldError]:
    """Check one of `spec.metrics`."""
    kind = metric.get("type")
    if not kind:
        return [fields.required(f"{path}.type", "must specify a metric source type")]
    if kind not in SOURCES:
        return [fields.not_supported(f"{path}.type", kind, SOURCES)]
    wanted = SOURCES[kind]
    errors = [
        fields.forbidden(f"{path}.{other}", "must populate the given metric source only")
        for other in SOURCES.values()
        if other != wanted and metric.get(other) is not None
    ]
    if metric.get(wanted) is None:
        text = "must populate information for the given metric source"
        return [*errors, fields.required(f"{path}.{wanted}", text)]
    return errors + _source(f"{path}.{wanted}", kind, metric[wanted])


def _source(path: str, kind: str, source: Object) -> list[FieldError]:
    target = source.get("target") or {}
    errors = _target(f"{path}.target", target)
    if kind in ("Resource", "ContainerResource"):
        if not source.get("name"):
            errors.append(fields.required(f"{path}.name", "must specify a resource name"))
        if kind == "ContainerResource" and not source.get("container"):
            errors.append(fields.required(f"{path}.container", "must specify a container"))
        return errors + _of_resource(f"{path}.target", target)
    if kind == "Object":
        errors += reference(f"{path}.describedObject", source.get("describedObject") or {})
    errors += _identifier(f"{path}.metric", source.get("metric") or {})
    return errors + _of_number(f"{path}.target", kind, target)


def _identifier(path: str, metric: Object) -> list[FieldError]:
    errors = labelselector.validate(f"{path}.selector", metric.get("selector"))
    return checks.required_name(f"{path}.name", metric.get("name"), names.path_segment) + errors


def _target(path: str, target: Object) -> list[FieldError]:
    errors = []
    if not target.get("type"):
        errors.append(fields.required(f"{path}.type", "must specify a metric target type"))
    elif target["type"] not in _TARGETS:
        text = "must be either Utilization, Value, or AverageValue"
        errors.append(fields.invalid(f"{path}.type", target["type"], text))
    for key in ("value", "averageValue"):
        if (value := target.get(key)) is not None and quantity.compare(value, 0) <= 0:
            errors.append(fields.invalid(f"{path}.{key}", value, "must be positive"))
    share = target.get("averageUtilization")
    if share is not None and share < 1:
        errors.append(fields.invalid(f"{path}.averageUtilization", share, "must be greater than 0"))
    return errors


def _of_resource(path: str, target: Object) -> list[FieldError]:
    share, value = target.get("averageUtilization"), target.get("averageValue")
    if share is not None and value is not None:
        text = "may not set both a target raw value and a target utilization"
        return [fields.forbidden(f"{path}.averageValue", text)]
    if share is None and value is None:
        text = "must set either a target raw value or a target utilization"
        return [fields.required(f"{path}.averageUtilization", text)]
    return []


def _of_number(path: str, kind: str, target: Object) -> list[FieldError]:
    value, average = target.get("value"), target.get("averageValue")
    if kind == "Pods":
        text = "must specify a positive target averageValue"
        return [fields.required(f"{path}.averageValue", text)] if average is None else []
    if value is not None and average is not None:
        return [fields.forbidden(f"{path}.value", "may not set both a target value for metric and a per-pod target")]
    if value is None and average is None:
        return [
            fields.required(f"{path}.averageValue", "must set either a target value for metric or a per-pod target")
        ]
    return []
