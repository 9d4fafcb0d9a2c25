"""The status of a pod as the API is told it. Pure: (pod, what is observed, now) -> `status`.

Source: kubernetes pkg/kubelet/kubelet_pods.go (getPhase, convertStatusToAPIStatus), pkg/kubelet/status/generate.go
(the conditions), pkg/kubelet/kubelet_pods.go (container states).
"""

from __future__ import annotations

from wherry.node.pods import backoff, state
from wherry.node.pods.conditions import conditions, is_through
from wherry.node.pods.plan import is_ending
from wherry.node.pods.state import Observed
from wherry.node.runtime.instance import LOST_EXIT_CODE, LOST_REASON, Instance
from wherry.objects import Object
from wherry.objects.timestamps import rfc3339

DEADLINE_MESSAGE = "Pod was active on the node longer than the specified deadline"


def build(pod: Object, seen: Observed, now: float, *, host_ip: str, runtime: str) -> Object:
    """Return the whole status. `runtime` ("runc", "crun") is the scheme of container ids.

    What others keep in it (conditions of their own, nominatedNodeName, qosClass …) is taken over as it is.
    """
    old = pod.get("status") or {}
    inits = [_container(pod, c, seen, now, runtime) for c in state.init_containers(pod)]
    regular = [_container(pod, c, seen, now, runtime) for c in pod["spec"]["containers"]]
    status = dict(old)
    status["phase"] = phase(pod, seen, inits, regular, now)
    for name in ("reason", "message"):
        status.pop(name, None)
    status |= _why(pod, seen, old, now)
    status["conditions"] = conditions(pod, seen, status["phase"], inits, regular, now)
    status["hostIP"], status["hostIPs"] = host_ip, [{"ip": host_ip}]
    status["startTime"] = old.get("startTime") or rfc3339(seen.started_at or now)
    if seen.sandbox is not None:
        status["podIP"], status["podIPs"] = seen.sandbox.ip, [{"ip": seen.sandbox.ip}]
    if inits:
        status["initContainerStatuses"] = inits
    status["containerStatuses"] = regular
    return status


def _why(pod: Object, seen: Observed, old: Object, now: float) -> Object:
    limit = state.deadline(pod, seen)
    if old.get("reason") == "DeadlineExceeded" or (limit is not None and now >= limit and not state.is_over(pod, seen)):
        return {"reason": "DeadlineExceeded", "message": DEADLINE_MESSAGE}
    if state.is_finished(pod):
        return {name: old[name] for name in ("reason", "message") if name in old}
    return {}


def phase(pod: Object, seen: Observed, inits: list[Object], regular: list[Object], now: float) -> str:
    """Return Pending, Running, Succeeded or Failed; the last two are never left."""
    old = str((pod.get("status") or {}).get("phase") or "")
    if old in ("Succeeded", "Failed"):
        return old
    limit = state.deadline(pod, seen)
    if state.init_failed(pod, seen) or (limit is not None and now >= limit):
        return "Failed"
    through = all(is_through(c, s) for c, s in zip(state.init_containers(pod), inits, strict=True))
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


# Containers


def _container(pod: Object, container: Object, seen: Observed, now: float, runtime: str) -> Object:
    name = container["name"]
    runs = seen.instances.get(name, ())
    last = runs[-1] if runs else None
    current, previous = _state(pod, container, seen, now, runtime)
    status: Object = {
        "name": name,
        "state": current,
        "lastState": {"terminated": terminated(previous, runtime)} if previous is not None else {},
        "ready": _is_ready(pod, container, seen),
        "restartCount": last.attempt if last is not None else 0,
        "image": container["image"],
        "imageID": last.image_id if last is not None else "",
        "started": seen.is_started(container),
    }
    if last is not None:
        status["containerID"] = f"{runtime}://{last.id}"
    return status


def _state(pod: Object, container: Object, seen: Observed, now: float, runtime: str) -> tuple[Object, Instance | None]:
    """Return (state, the run that lastState tells about)."""
    runs = seen.instances.get(container["name"], ())
    last, before = (runs[-1] if runs else None), (runs[-2] if len(runs) > 1 else None)
    if last is not None and last.running:
        return {"running": {"startedAt": rfc3339(last.started_at)}}, before
    waiting = _waiting(pod, container, seen, last, now)
    if waiting is not None:
        return {"waiting": waiting}, last
    assert last is not None
    return {"terminated": terminated(last, runtime)}, before


def _waiting(pod: Object, container: Object, seen: Observed, last: Instance | None, now: float) -> Object | None:
    """Return why the container does not run though it should or will; None when it has ended for good."""
    name = container["name"]
    ending = is_ending(pod, seen, now)
    if last is not None and (ending or not _will_run(pod, container, seen, last)):
        return None
    failure = seen.failed.get(name)
    if seen.refused and last is None:
        return {"reason": "CreateContainerConfigError", "message": seen.refused}
    if failure is not None:
        return {"reason": failure.reason, "message": failure.message}
    if last is not None and last.backoff and not last.inherited:
        meta = pod["metadata"]
        who = f"container={name} pod={meta['name']}_{meta['namespace']}({meta['uid']})"
        pause = backoff.text(last.backoff)
        return {"reason": "CrashLoopBackOff", "message": f"back-off {pause} restarting failed {who}"}
    if last is not None and not last.inherited:
        return None  # ended a moment ago: shown as terminated until it starts again
    regular = container not in state.init_containers(pod)
    return {"reason": "PodInitializing" if regular and state.init_containers(pod) else "ContainerCreating"}


def _will_run(pod: Object, container: Object, seen: Observed, last: Instance) -> bool:
    if state.is_sidecar(container):
        return True
    if container in state.init_containers(pod) and last.inherited:
        return not state.is_over(pod, seen)
    return state.needs_run(pod, container, last)


def _is_ready(pod: Object, container: Object, seen: Observed) -> bool:
    last = seen.current(container["name"])
    if container in state.init_containers(pod) and not state.is_sidecar(container):
        return last is not None and last.succeeded
    return seen.is_started(container) and last is not None and seen.health_of(last).ready


def terminated(run: Instance, runtime: str) -> Object:
    """Return the ContainerStateTerminated of a run that has ended, or of one that was lost with its node."""
    code = run.exit_code if run.finished else LOST_EXIT_CODE
    result: Object = {
        "exitCode": code,
        "reason": run.reason or (LOST_REASON if not run.finished else "Completed" if code == 0 else "Error"),
        "startedAt": rfc3339(run.started_at) if run.started_at else None,
        "finishedAt": rfc3339(run.finished_at) if run.finished else None,
        "containerID": f"{runtime}://{run.id}",
    }
    if run.message:
        result["message"] = run.message
    return result
