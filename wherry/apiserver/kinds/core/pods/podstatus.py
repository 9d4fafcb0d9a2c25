"""What `kubectl get pods` says of a pod: READY, STATUS and RESTARTS.

Source: k8s.io/kubernetes pkg/printers/internalversion/printers.go (printPod).
"""

from __future__ import annotations

from typing import NamedTuple

from wherry.apiserver.kinds.common import ages
from wherry.objects import Object, metadata
from wherry.objects.meaning.pods import has_ended, is_ready, is_sidecar


class Summary(NamedTuple):
    """The computed columns of one pod."""

    ready: str
    status: str
    restarts: str


class _Restarts:
    """A count of restarts and the time of the last one."""

    def __init__(self) -> None:
        self.count = 0
        self.last = ""

    def add(self, status: Object) -> None:
        self.count += status.get("restartCount") or 0
        # Times of whole seconds in UTC: the later one is the greater text.
        self.last = max(self.last, ((status.get("lastState") or {}).get("terminated") or {}).get("finishedAt") or "")

    def text(self, now: float | None) -> str:
        if self.count and self.last:
            return f"{self.count} ({ages.since(self.last, now)} ago)"
        return str(self.count)


def summarize(pod: Object, now: float | None = None) -> Summary:
    """Return the columns of `pod`; `now` in seconds since the epoch, by default the clock's."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    reason = status.get("reason") or status.get("phase") or ""
    scheduled = metadata.condition(pod, "PodScheduled") or {}
    if scheduled.get("reason") == "SchedulingGated":
        reason = "SchedulingGated"
    init = {c.get("name"): c for c in spec.get("initContainers") or ()}
    total = len(spec.get("containers") or ()) + sum(map(is_sidecar, init.values()))

    blocked, ready, restarts, sidecar_restarts = _initialization(status, init)
    reason = blocked or reason
    if not blocked or metadata.is_true(pod, "Initialized"):
        restarts = sidecar_restarts
        reason, running = _running(status, reason, restarts)
        ready += running
        if reason == "Completed" and running:
            reason = "Running" if is_ready(pod) else "NotReady"
    return Summary(f"{ready}/{total}", _deletion(pod, status, reason), restarts.text(now))


def _initialization(status: Object, init: dict[str, Object]) -> tuple[str, int, _Restarts, _Restarts]:
    """Return what holds the pod up ("" once all init containers are done), ready sidecars, and both restart counts."""
    ready = 0
    every, sidecars = _Restarts(), _Restarts()
    for i, one in enumerate(status.get("initContainerStatuses") or ()):
        sidecar = is_sidecar(init.get(one.get("name")) or {})
        every.add(one)
        if sidecar:
            sidecars.add(one)
        state = one.get("state") or {}
        terminated = state.get("terminated")
        if terminated is not None and not terminated.get("exitCode"):
            continue
        if sidecar and one.get("started"):
            ready += bool(one.get("ready"))
            continue
        return _init_reason(state, i, len(init)), ready, every, sidecars
    return "", ready, every, sidecars


def _init_reason(state: Object, index: int, total: int) -> str:
    if (terminated := state.get("terminated")) is not None:
        return "Init:" + _terminated_reason(terminated)
    waiting = (state.get("waiting") or {}).get("reason") or ""
    if waiting and waiting != "PodInitializing":
        return f"Init:{waiting}"
    return f"Init:{index}/{total}"


def _terminated_reason(terminated: Object) -> str:
    if reason := terminated.get("reason"):
        return str(reason)
    if signal := terminated.get("signal"):
        return f"Signal:{signal}"
    return f"ExitCode:{terminated.get('exitCode') or 0}"


def _running(status: Object, reason: str, restarts: _Restarts) -> tuple[str, int]:
    """Return the reason the first container that is not running gives (else `reason`), and how many are ready."""
    ready = 0
    for one in reversed(status.get("containerStatuses") or ()):
        restarts.add(one)
        state = one.get("state") or {}
        if waiting := (state.get("waiting") or {}).get("reason"):
            reason = waiting
        elif (terminated := state.get("terminated")) is not None:
            reason = _terminated_reason(terminated)
        elif one.get("ready") and state.get("running") is not None:
            ready += 1
    return reason, ready


def _deletion(pod: Object, status: Object, reason: str) -> str:
    if not metadata.is_being_deleted(pod):
        return reason
    if status.get("reason") == "NodeLost":
        return "Unknown"
    return reason if has_ended(pod) else "Terminating"
