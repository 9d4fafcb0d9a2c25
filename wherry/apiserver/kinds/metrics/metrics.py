"""NodeMetrics and PodMetrics (metrics.k8s.io/v1beta1): worked out when somebody asks (`wherry.apiserver.usage`).

Source: metrics-server pkg/api/table.go (the columns).
"""

from __future__ import annotations

from collections.abc import Iterable

from wherry.apiserver.kind import Column, Kind
from wherry.objects.resource import NODE_METRICS, POD_METRICS


def _of_node(name: str) -> Column:
    return Column(name, lambda obj: (obj.get("usage") or {}).get(name, ""))


def _of_pod(name: str) -> Column:
    return Column(name, lambda obj: _sum(c["usage"].get(name, "0") for c in obj.get("containers") or ()))


def _sum(values: Iterable[str]) -> str:
    """Return the sum of quantities of one unit (nanocores, KiB)."""
    found = list(values)
    unit = "Ki" if any(value.endswith("Ki") for value in found) else "n"
    return f"{sum(int(value.removesuffix(unit)) for value in found)}{unit}"


_WINDOW = Column("Window", lambda obj: obj.get("window", ""))

NODE_METRICS_KIND = Kind(resource=NODE_METRICS, columns=(_of_node("cpu"), _of_node("memory"), _WINDOW), age=False)
POD_METRICS_KIND = Kind(resource=POD_METRICS, columns=(_of_pod("cpu"), _of_pod("memory"), _WINDOW), age=False)
