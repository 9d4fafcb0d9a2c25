"""The quality of service class of a pod.

Source: k8s.io/kubernetes pkg/apis/core/helper/qos/qos.go (ComputePodQOS).
"""

from __future__ import annotations

from wherry.objects import Object, quantity

_COMPUTE = ("cpu", "memory")


def qos_class(spec: Object) -> str:
    """Return Guaranteed (cpu and memory limited, requests equal), BestEffort (nothing asked) or Burstable."""
    requests = [_asked(c, "requests") for c in _containers(spec)]
    limits = [_asked(c, "limits") for c in _containers(spec)]
    if not any(requests) and not any(limits):
        return "BestEffort"
    guaranteed = all(set(limit) == set(_COMPUTE) for limit in limits) and _totals(requests) == _totals(limits)
    return "Guaranteed" if guaranteed else "Burstable"


def _containers(spec: Object) -> list[Object]:
    return [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]


def _asked(container: Object, kind: str) -> dict[str, int]:
    amounts = ((container.get("resources") or {}).get(kind)) or {}
    parsed = {name: quantity.parse(amounts[name]).nano for name in _COMPUTE if name in amounts}
    return {name: nano for name, nano in parsed.items() if nano > 0}


def _totals(amounts: list[dict[str, int]]) -> dict[str, int]:
    return {name: sum(a.get(name, 0) for a in amounts) for name in _COMPUTE}
