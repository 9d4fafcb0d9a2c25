"""A pod's priority.

Source: k8s.io/kubernetes plugin/pkg/admission/priority/admission.go.
"""

from __future__ import annotations

from wherry.objects import Object
from wherry.objects.errors import Forbidden
from wherry.objects.meaning.pods import CRITICAL_PRIORITY

CLASSES = {"system-cluster-critical": CRITICAL_PRIORITY, "system-node-critical": CRITICAL_PRIORITY + 1000}
"""The priority classes there are: Kubernetes' own two. PriorityClass itself is not served."""


def admit(pod: Object) -> None:
    """Set a new pod's priority from its class; raises `Forbidden` for a class there is not."""
    spec = pod["spec"]
    name = spec.get("priorityClassName")
    if name and name not in CLASSES:
        why = f"no PriorityClass with name {name} was found"
        raise Forbidden.of("pods", pod["metadata"].get("name", ""), why)
    spec["priority"] = CLASSES[name] if name else 0
    spec["preemptionPolicy"] = spec.get("preemptionPolicy") or "PreemptLowerPriority"
