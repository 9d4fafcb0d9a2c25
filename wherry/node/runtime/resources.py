"""A container's and a pod's resources as control group limits. Pure.

Source of the conversions: kubernetes pkg/kubelet/cm/helpers_linux.go (MilliCPUToShares, MilliCPUToQuota),
pkg/kubelet/qos/policy.go (the OOM score).
"""

from __future__ import annotations

from wherry.node.cgroups import CPU_PERIOD_MICROSECONDS, CgroupLimits
from wherry.objects import Object, quantity
from wherry.objects.meaning.requests import declared

MIN_SHARES, MAX_SHARES = 2, 262144
BEST_EFFORT_SCORE, GUARANTEED_SCORE = 1000, -997


def shares(milli: int) -> int:
    """Return the cgroup v1 cpu.shares of a request in millicores."""
    return min(max(milli * 1024 // 1000, MIN_SHARES), MAX_SHARES)


def amounts(container: Object, kind: str) -> tuple[int | None, int | None]:
    """Return (CPU in millicores, memory in bytes) of a container's `requests` or `limits`; None where not given."""
    given = (container.get("resources") or {}).get(kind) or {}
    cpu = quantity.milli(given["cpu"]) if "cpu" in given else None
    memory = quantity.whole(given["memory"]) if "memory" in given else None
    return cpu, memory


def of_container(container: Object, *, unified: bool) -> Object:
    """Return CPU and memory in `linux.resources` (OCI runtime spec); a limit without a request is its request too."""
    cpu_limit, memory_limit = amounts(container, "limits")
    cpu_request, _ = amounts(container, "requests")
    cpu: Object = {"shares": shares(cpu_request if cpu_request is not None else cpu_limit or 0)}
    if cpu_limit:
        cpu["quota"] = max(cpu_limit * CPU_PERIOD_MICROSECONDS // 1000, 1000)
        cpu["period"] = CPU_PERIOD_MICROSECONDS
    resources: Object = {"cpu": cpu}
    if memory_limit:
        resources["memory"] = {"limit": memory_limit}
        if unified:
            # Memory and swap together: no swap. On v1 that needs swap accounting, which few kernels have.
            resources["memory"]["swap"] = memory_limit
    return resources


def of_pod(pod: Object) -> CgroupLimits:
    """Return the limits of the pod's own group: those of its hungriest moment, where every container has the limit."""
    spec = pod["spec"]
    lists = {key: [_filled(c) for c in spec.get(key) or ()] for key in ("initContainers", "containers")}
    each = [amounts(c, "limits") for containers in lists.values() for c in containers]
    most = declared(spec, "limits")
    cpu, memory = (most[name] if all(of[i] for of in each) else None for i, name in enumerate(("cpu", "memory")))
    requested = declared({**spec, **lists}, "requests").get("cpu", 0)
    return CgroupLimits(memory=memory, cpu_milli=cpu, cpu_shares=shares(requested))


def _filled(container: Object) -> Object:
    """Return a container with its limits as requests, where it makes none."""
    given = container.get("resources") or {}
    return {
        **container,
        "resources": {**given, "requests": {**(given.get("limits") or {}), **(given.get("requests") or {})}},
    }


def oom_score_adjust(pod: Object, container: Object, memory_capacity: int) -> int:
    """Return the OOM score adjustment by quality of service: the more of the node it asked for, the safer it is."""
    match (pod.get("status") or {}).get("qosClass"):
        case "Guaranteed":
            return GUARANTEED_SCORE
        case "BestEffort" | None:
            return BEST_EFFORT_SCORE
    request = amounts(container, "requests")[1] or 0
    return min(max(1000 - 1000 * request // memory_capacity, 1000 + GUARANTEED_SCORE), BEST_EFFORT_SCORE - 1)
