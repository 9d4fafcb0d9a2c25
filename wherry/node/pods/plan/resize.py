"""What makes a running pod have what is allocated to it. Pure.

Source: KEP-1287; kubernetes pkg/kubelet/kuberuntime/kuberuntime_manager.go (computePodResizeAction, doPodResizeAction,
validateMemoryResizeAction).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wherry.node.cgroups import CgroupLimits
from wherry.node.pods.plan.allocation import changed
from wherry.node.pods.plan.containers import init_containers
from wherry.node.pods.plan.state import State
from wherry.node.runtime import resources
from wherry.node.runtime.instance import Instance
from wherry.objects import Object

RESTART = "RestartContainer"


@dataclass(frozen=True, slots=True)
class Steps:
    """What to do, in this order: the pod's group grows, its containers change, its group shrinks."""

    before: CgroupLimits
    updates: Sequence[tuple[Instance, Object]]
    after: CgroupLimits


def steps(pod: Object, state: State) -> Steps | None:
    """Return what has to be done so that a pod, as allocated, has what it should have; None for nothing.

    Its group does not shrink below a container that has yet to end with what it had.
    """
    if state.sandbox is None:
        return None
    have, target = state.sandbox.limits, resources.of_pod(pod)
    running = [(c, run) for c in _resizable(pod) if (run := state.running(c["name"])) and not run.stopping_at]
    updates = [
        (run, c) for c, run in running if changed(_given(c), run.resources) and not must_restart(c, run)
    ]  # fmt: skip
    updates.sort(key=lambda pair: _grows(_given(pair[1]), pair[0].resources))
    before = _larger(have, target)
    after = before if any(_leaves(c, state) for c in _resizable(pod)) else target
    return Steps(before, updates, after) if updates or after != have else None


def must_grow(pod: Object, state: State) -> bool:
    """Return whether the pod's group has yet to grow before a container is started in it."""
    return state.sandbox is not None and _larger(state.sandbox.limits, resources.of_pod(pod)) != state.sandbox.limits


def must_restart(container: Object, run: Instance) -> bool:
    """Return whether a container has to start again to get what is allocated to it."""
    policies = {p.get("resourceName"): p.get("restartPolicy") for p in container.get("resizePolicy") or ()}
    return any(policies.get(name) == RESTART for name in changed(_given(container), run.resources))


def is_in_progress(pod: Object, state: State) -> bool:
    """Return whether something of a pod, as allocated, has yet to be in force."""
    if state.sandbox is None:
        return False
    return state.sandbox.limits != resources.of_pod(pod) or any(_differs(c, state) for c in _resizable(pod))


def _differs(container: Object, state: State) -> bool:
    run = state.latest(container["name"])
    if run is None or not (run.running or run.again):
        return False
    return bool(run.again or changed(_given(container), run.resources))


def _leaves(container: Object, state: State) -> bool:
    """Return whether a container runs that will not, or not with what it has."""
    run = state.running(container["name"])
    return run is not None and bool(changed(_given(container), run.resources)) and (
        bool(run.stopping_at) or must_restart(container, run)
    )  # fmt: skip


def _resizable(pod: Object) -> list[Object]:
    return [*init_containers(pod), *pod["spec"]["containers"]]


def _given(container: Object) -> Object:
    found: Object = container.get("resources") or {}
    return found


def _grows(now: Object, was: Object) -> bool:
    limits, before = (resources.amounts({"resources": r}, "limits") for r in (now, was))
    return any((old or 0) < (new or 0) for new, old in zip(limits, before, strict=True))


def _larger(one: CgroupLimits, other: CgroupLimits) -> CgroupLimits:
    """Return the larger of each limit; none is the largest."""
    return CgroupLimits(
        memory=_most(one.memory, other.memory),
        cpu_milli=_most(one.cpu_milli, other.cpu_milli),
        cpu_shares=max(one.cpu_shares, other.cpu_shares),
    )


def _most(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else max(one, other)


def too_much(
    pod: Object, state: State, limits: CgroupLimits, used: int | None, of_containers: Mapping[str, int]
) -> str:
    """Return why memory limits cannot shrink yet, "" where they can: `used` by the pod and by its containers, in bytes.

    The kernel would end processes instead.
    """
    assert state.sandbox is not None
    problems = []
    if _shrinks(limits.memory, state.sandbox.limits.memory) and used is not None and used >= (limits.memory or 0):
        problems.append(f"attempting to set pod memory limit ({limits.memory}) below current usage ({used})")
    for container in _resizable(pod):
        name, run = container["name"], state.running(container["name"])
        _, limit = resources.amounts(container, "limits")
        _, had = resources.amounts({"resources": run.resources}, "limits") if run is not None else (None, None)
        if name in of_containers and _shrinks(limit or None, had or None) and of_containers[name] >= (limit or 0):
            text = f'container "{name}" memory limit ({limit}) below current usage ({of_containers[name]})'
            problems.append(f"attempting to set {text}")
    if not problems:
        return ""
    listed = ", ".join(problems)
    return f"cannot decrease memory limits: {listed if len(problems) == 1 else f'[{listed}]'}"


def _shrinks(now: int | None, was: int | None) -> bool:
    return now is not None and (was is None or now < was)
