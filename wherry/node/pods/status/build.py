"""The status of a pod as the API is told it. Pure: (pod, state, now) -> `status`.

Source: kubernetes pkg/kubelet/kubelet_pods.go (getPhase, convertStatusToAPIStatus), pkg/kubelet/status/generate.go
(the conditions), pkg/kubelet/kubelet_pods.go (container states).
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.node.pods.plan.containers import ephemeral_containers, init_containers
from wherry.node.pods.plan.lifetime import deadline, init_failed, is_over
from wherry.node.pods.plan.state import State
from wherry.node.pods.status import volumemounts
from wherry.node.pods.status.conditions import conditions, is_through
from wherry.node.pods.status.containers import container_status
from wherry.objects import Object
from wherry.objects.meaning.pods import ENDED, has_ended
from wherry.objects.timestamps import rfc3339

DEADLINE_MESSAGE = "Pod was active on the node longer than the specified deadline"


def build(pod: Object, state: State, now: float, *, host_ips: Sequence[str], runtime: str, recursive: bool) -> Object:
    """Return the whole status. `runtime` ("runc", "crun") is the scheme of usual container ids.

    `recursive`: whether the pod's runtime can make what is mounted in a volume read-only.

    What others keep in it (conditions of their own, nominatedNodeName, qosClass …) is taken over as it is.
    """
    old = pod.get("status") or {}

    def of(containers: Sequence[Object]) -> list[Object]:
        return [_container(pod, one, state, now, runtime, recursive) for one in containers]

    inits, regular = of(init_containers(pod)), of(pod["spec"]["containers"])
    status = dict(old)
    status["phase"] = phase(pod, state, inits, regular, now)
    for name in ("reason", "message"):
        status.pop(name, None)
    status |= _why(pod, state, old, now)
    if generation := pod["metadata"].get("generation"):
        status["observedGeneration"] = generation
    status["conditions"] = conditions(pod, state, status["phase"], inits, regular, now)
    status["hostIP"], status["hostIPs"] = host_ips[0], [{"ip": ip} for ip in host_ips]
    status["startTime"] = old.get("startTime") or rfc3339(state.started_at or now)
    if state.sandbox is not None:
        status["podIP"], status["podIPs"] = state.ip, [{"ip": ip} for ip in state.ips]
    if state.rejected is None:
        if inits:
            status["initContainerStatuses"] = inits
        status["containerStatuses"] = regular
        if ephemeral := ephemeral_containers(pod):
            status["ephemeralContainerStatuses"] = of(ephemeral)
    return status


def _container(pod: Object, container: Object, state: State, now: float, runtime: str, recursive: bool) -> Object:
    status = container_status(pod, container, state, now, runtime)
    mounts = volumemounts.of_container(container, recursive=recursive)
    return {**status, "volumeMounts": mounts} if mounts else status


def _why(pod: Object, state: State, old: Object, now: float) -> Object:
    if state.rejected is not None:
        return {"reason": state.rejected.reason, "message": f"Pod was rejected: {state.rejected.message}"}
    limit = deadline(pod, state)
    if old.get("reason") == "DeadlineExceeded" or (limit is not None and now >= limit and not is_over(pod, state)):
        return {"reason": "DeadlineExceeded", "message": DEADLINE_MESSAGE}
    if has_ended(pod):
        return {name: old[name] for name in ("reason", "message") if name in old}
    return {}


def phase(pod: Object, state: State, inits: list[Object], regular: list[Object], now: float) -> str:
    """Return Pending, Running, Succeeded or Failed; the last two are never left."""
    old = str((pod.get("status") or {}).get("phase") or "")
    if old in ENDED:
        return old
    limit = deadline(pod, state)
    if state.rejected is not None:
        return "Failed"
    if init_failed(pod, state) or (limit is not None and now >= limit):
        return "Failed"
    through = all(is_through(c, s) for c, s in zip(init_containers(pod), inits, strict=True))
    states = [(s["state"], s.get("lastState") or {}) for s in regular]
    running = any("running" in current for current, _ in states)
    waiting = any("waiting" in current and "terminated" not in last for current, last in states)
    if (not through and not running) or waiting:
        return "Pending"
    if running or pod["spec"].get("restartPolicy", "Always") == "Always":
        return "Running"
    codes = [(cur.get("terminated") or last.get("terminated") or {}).get("exitCode") for cur, last in states]
    if all(code == 0 for code in codes):
        return "Succeeded"
    return "Failed" if pod["spec"]["restartPolicy"] == "Never" else "Running"
