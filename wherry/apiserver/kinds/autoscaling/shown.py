"""What `kubectl get hpa` shows: the target, and each metric as what is over what is wanted.

Source: k8s.io/kubernetes pkg/printers/internalversion/printers.go (formatHPAMetrics).
"""

from __future__ import annotations

from wherry.apiserver.kinds.autoscaling.metricspec import SOURCES
from wherry.apiserver.kinds.common import cells
from wherry.objects import Object

_MOST = 2
_UNKNOWN = "<unknown>"


def reference(obj: Object) -> str:
    """Return `Deployment/web`."""
    target = (obj.get("spec") or {}).get("scaleTargetRef") or {}
    return f"{target.get('kind', '')}/{target.get('name', '')}"


def targets(obj: Object) -> str:
    """Return `cpu: 12%/80%` for each metric, the first two of them."""
    metrics = (obj.get("spec") or {}).get("metrics") or ()
    current = (obj.get("status") or {}).get("currentMetrics") or ()
    known = {_identity(status): status for status in current}
    shown = [_metric(metric, known.get(_identity(metric), {})) for metric in metrics]
    if not shown:
        return cells.NONE
    more = len(shown) - _MOST
    return ", ".join(shown[:_MOST]) + (f" + {more} more..." if more > 0 else "")


def _identity(metric: Object) -> tuple[str, ...]:
    """Return what is the same in a metric and its status: a metric that cannot be read has none."""
    kind = metric.get("type", "")
    source = metric.get(SOURCES.get(kind, "")) or {}
    return kind, source.get("name", ""), source.get("container", ""), (source.get("metric") or {}).get("name", "")


def _metric(metric: Object, status: Object) -> str:
    kind = metric.get("type", "")
    field = SOURCES.get(kind)
    if field is None:
        return "<unknown type>"
    source, now = metric.get(field) or {}, (status.get(field) or {}).get("current") or {}
    target = source.get("target") or {}
    text = _amounts(target, now)
    if kind in ("Resource", "ContainerResource"):
        return f"{source.get('name', '')}: {text}"
    return f"{text} (avg)" if kind != "Pods" and target.get("averageValue") is not None else text


def _amounts(target: Object, now: Object) -> str:
    """Return `NOW/WANTED` in the measure the target is given in."""
    for key, unit in (("averageValue", ""), ("value", ""), ("averageUtilization", "%")):
        if (wanted := target.get(key)) is not None:
            current = now.get(key)
            return f"{_UNKNOWN if current is None else f'{current}{unit}'}/{wanted}{unit}"
    return f"{_UNKNOWN}/<auto>"
