"""What a HorizontalPodAutoscaler (autoscaling/v2) says: how fast it may go, with what is meant where it says nothing.

Source: k8s.io/kubernetes pkg/apis/autoscaling/v2/defaults.go.
"""

from __future__ import annotations

from wherry.objects import Object

UP: Object = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
DOWN: Object = {"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}
_DEFAULTS = {"scaleUp": UP, "scaleDown": DOWN}


def rules(autoscaler: Object, direction: str) -> Object:
    """Return the rules for `scaleUp` or `scaleDown`, whole; only a window may be missing."""
    given = ((autoscaler.get("spec") or {}).get("behavior") or {}).get(direction) or {}
    return _DEFAULTS[direction] | {key: value for key, value in given.items() if value is not None}
