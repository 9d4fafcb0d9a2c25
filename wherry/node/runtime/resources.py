"""A container's and a pod's resources as control group limits. Pure.

Source of the conversions: kubernetes pkg/kubelet/cm/helpers_linux.go (MilliCPUToShares, MilliCPUToQuota),
pkg/kubelet/qos/policy.go (the OOM score).
"""

from __future__ import annotations

from collections.abc import Iterable

from wherry.node.cgroups import CPU_PERIOD_MICROSECONDS, CgroupLimits
from wherry.objects import Object, quantity

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
    """Return the limits of the pod's own group: the sums, where every container has the limit, and the overhead."""
    containers = pod["spec"]["containers"]
    cpu_limits = [amounts(c, "limits")[0] for c in containers]
    memory_limits = [amounts(c, "limits")[1] for c in containers]
    starting = pod["spec"].get("initContainers") or ()
    requested = sum(amounts(c, "requests")[0] or amounts(c, "limits")[0] or 0 for c in containers)
    cpu, memory = amounts({"resources": pod["spec"]}, "overhead")
    return CgroupLimits(
        memory=_with(memory, _sum(memory_limits, (amounts(c, "limits")[1] for c in starting))),
        cpu_milli=_with(cpu, _sum(cpu_limits, (amounts(c, "limits")[0] for c in starting))),
        cpu_shares=shares(requested + (cpu or 0)),
    )


def _with(overhead: int | None, limit: int | None) -> int | None:
    return limit if limit is None else limit + (overhead or 0)


def _sum(limits: list[int | None], starting: Iterable[int | None]) -> int | None:
    """Add up; an init container may need more than all the others together, or have no limit at all."""
    alone = list(starting)
    known = [n for n in limits if n]
    if len(known) < len(limits) or not all(alone):
        return None
    return max([sum(known), *(n for n in alone if n)])


def oom_score_adjust(pod: Object, container: Object, memory_capacity: int) -> int:
    """Return the OOM score adjustment by quality of service: the more of the node it asked for, the safer it is."""
    match (pod.get("status") or {}).get("qosClass"):
        case "Guaranteed":
            return GUARANTEED_SCORE
        case "BestEffort" | None:
            return BEST_EFFORT_SCORE
    request = amounts(container, "requests")[1] or 0
    return min(max(1000 - 1000 * request // memory_capacity, 1000 + GUARANTEED_SCORE), BEST_EFFORT_SCORE - 1)
