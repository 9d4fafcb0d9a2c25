"""What a node sets aside for a pod's containers while more or less is wanted of it. Pure.

Everything but this, and whoever asks it, sees a pod with what is allocated in the place of what is wanted.
Source: KEP-1287; kubernetes pkg/kubelet/allocation (allocation_manager.go, handlers.go),
pkg/kubelet/lifecycle/predicate.go. That a node is too small as a whole is told as Kubernetes 1.35 did: since then the
API server refuses that, where it knows the node.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wherry.node.pods.plan.containers import container_status, init_containers
from wherry.node.pods.plan.state import Allocation, Pending
from wherry.node.runtime import resources
from wherry.objects import Object
from wherry.objects.meaning.requests import declared
from wherry.objects.meaning.wellknown import RESIZE_DEFERRED, RESIZE_INFEASIBLE

RESIZABLE = ("cpu", "memory")
_LISTS = ("initContainers", "containers")


def wanted(pod: Object) -> Allocation:
    """Return the resources that a pod's spec gives its containers."""
    return {c["name"]: c.get("resources") or {} for c in (*init_containers(pod), *pod["spec"]["containers"])}


def remembered(pod: Object) -> Allocation:
    """Return what had been allocated in an earlier life of the node, as the API tells; else what is wanted."""
    return {name: _told(pod, name) or given for name, given in wanted(pod).items()}


def _told(pod: Object, name: str) -> Object | None:
    status = container_status(pod, name)
    if (known := status.get("resources")) is None:
        return None
    parts = {"limits": known.get("limits"), "requests": status.get("allocatedResources")}
    return {**known, **{key: value for key, value in parts.items() if value}}


def with_allocated(pod: Object, allocated: Allocation) -> Object:
    """Return the pod with what is allocated in the place of what is wanted: the very pod where that is the same."""
    if all(allocated.get(name, given) == given for name, given in wanted(pod).items()):
        return pod
    lists = {
        key: [{**c, "resources": allocated.get(c["name"], c.get("resources") or {})} for c in pod["spec"][key]]
        for key in _LISTS
        if pod["spec"].get(key)
    }
    return {**pod, "spec": {**pod["spec"], **lists}}


def is_asked(pod: Object, allocated: Allocation) -> bool:
    """Return whether a pod wants other resources than it has been given."""
    return any(changed(given, allocated.get(name, given)) for name, given in wanted(pod).items())


def changed(one: Object, other: Object) -> list[str]:
    """Return of which resources a container with the `resources` `one` has something else than with `other`."""
    pairs = [(resources.amounts({"resources": r}, "requests"), resources.amounts({"resources": r}, "limits"))
             for r in (one, other)]  # fmt: skip
    (requests, limits), (before, bounds) = pairs
    return [
        name
        for i, name in enumerate(RESIZABLE)
        if (requests[i] or 0, limits[i] or 0) != (before[i] or 0, bounds[i] or 0)
    ]


def refusal(
    pod: Object, allocated: Allocation, others: Iterable[Mapping[str, int]], allocatable: Mapping[str, int]
) -> tuple[str, str] | None:
    """Return (reason, message) of why a node cannot give what a pod wants, None when it can.

    `others`: what its other pods hold, `allocatable`: what it has for pods; cpu in millicores, memory in bytes. What
    does not grow is given in any case.
    """
    asked, had = declared(pod["spec"], "requests"), declared(with_allocated(pod, allocated)["spec"], "requests")
    growing = [(name, asked[name]) for name in RESIZABLE if asked.get(name, 0) > had.get(name, 0)]
    for name, amount in growing:
        if amount > allocatable.get(name, 0):
            text = f"{name}, requested: {amount}, capacity: {allocatable.get(name, 0)}"
            return RESIZE_INFEASIBLE, f"Node didn't have enough capacity: {text}"
    held = list(others)
    for name, amount in growing:
        used, capacity = sum(other.get(name, 0) for other in held), allocatable.get(name, 0)
        if amount > capacity - used:
            text = f"{name}, requested: {amount}, used: {used}, capacity: {capacity}"
            return RESIZE_DEFERRED, f"Node didn't have enough resource: {text}"
    return None


def turn(pod: Object, allocated: Allocation, pending: Pending | None) -> tuple[bool, int, bool, float]:
    """Return when it is a pod's turn, lowest first: what frees room, priority, Guaranteed, who waits longest."""
    asked, had = declared(pod["spec"], "requests"), declared(with_allocated(pod, allocated)["spec"], "requests")
    grows = any(asked.get(name, 0) > had.get(name, 0) for name in RESIZABLE)
    guaranteed = (pod.get("status") or {}).get("qosClass") == "Guaranteed"
    waiting = pending.since if pending is not None else float("inf")
    return grows, -int(pod["spec"].get("priority") or 0), not guaranteed, waiting
