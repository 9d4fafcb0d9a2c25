"""Whether a pod that was bound to this node can be taken in beside those that are here. Pure.

Who binds a pod past the scheduler, with spec.nodeName, may ask for what another holds; the kubelet looks again, and so
do we. Source: kubernetes pkg/kubelet/lifecycle/predicate.go, pkg/kubelet/kubelet.go (rejectPod).
"""

from __future__ import annotations

from collections.abc import Iterable

from wherry.node.pods.plan.state import Rejection
from wherry.objects import Object
from wherry.objects.meaning.pods import has_ended, host_ports, is_taken

NODE_PORTS = Rejection(
    "NodePorts", "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
)


def was_taken_in(pod: Object) -> bool:
    """Return whether the node has decided on the pod before: a start time is the first thing it tells."""
    return bool((pod.get("status") or {}).get("startTime"))


def rejection(pod: Object, others: Iterable[Object]) -> Rejection | None:
    """Return why `pod` cannot be here beside the `others`, which were taken in; None when it can."""
    wanted = host_ports(pod["spec"])
    if not wanted or was_taken_in(pod):
        return None
    held = {port for other in others if not has_ended(other) for port in host_ports(other["spec"])}
    return NODE_PORTS if any(is_taken(port, held) for port in wanted) else None
