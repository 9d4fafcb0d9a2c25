"""The status of one container of a pod. Pure.

Source: kubernetes pkg/kubelet/kubelet_pods.go (convertToAPIContainerStatuses).
"""

from __future__ import annotations

from wherry.node.pods.plan import backoff
from wherry.node.pods.plan.containers import ephemeral_containers, init_containers
from wherry.node.pods.plan.lifetime import is_ending, is_over, needs_run
from wherry.node.pods.plan.state import State
from wherry.node.runtime.instance import LOST_EXIT_CODE, LOST_REASON, Instance
from wherry.objects import Object
from wherry.objects.meaning.pods import is_sidecar
from wherry.objects.timestamps import rfc3339


def container_status(pod: Object, container: Object, state: State, now: float, runtime: str) -> Object:
    """Return the ContainerStatus."""
    name = container["name"]
    runs = state.runs.get(name, ())
    last = runs[-1] if runs else None
    current, previous = _state(pod, container, state, now, runtime)
    status: Object = {
        "name": name,
        "state": current,
        "lastState": {"terminated": terminated(previous, runtime)} if previous is not None else {},
        "ready": _is_ready(pod, container, state),
        "restartCount": last.attempt if last is not None else 0,
        "image": container["image"],
        "imageID": last.image_id if last is not None else "",
        "started": state.is_started(container),
    }
    if container in ephemeral_containers(pod):
        del status["started"]
    if last is not None:
        status["containerID"] = _id(last, runtime)
        status |= _resources(container, last)
    return status


def _resources(container: Object, run: Instance) -> Object:
    """Return what is in force, or is to be when it runs again, and what the node has set aside."""
    allocated = container.get("resources") or {}
    in_force = {**allocated, **run.resources} if run.running else allocated
    set_aside = allocated.get("requests")
    return {"resources": in_force, **({"allocatedResources": set_aside} if set_aside else {})}


def _state(pod: Object, container: Object, state: State, now: float, runtime: str) -> tuple[Object, Instance | None]:
    """Return (state, the run that lastState tells about)."""
    runs = state.runs.get(container["name"], ())
    last, before = (runs[-1] if runs else None), (runs[-2] if len(runs) > 1 else None)
    if last is not None and last.running:
        return {"running": {"startedAt": rfc3339(last.started_at)}}, before
    waiting = _waiting(pod, container, state, last, now)
    if waiting is not None:
        return {"waiting": waiting}, last
    assert last is not None
    return {"terminated": terminated(last, runtime)}, before


def _waiting(pod: Object, container: Object, state: State, last: Instance | None, now: float) -> Object | None:
    """Return why the container does not run though it should or will; None when it has ended for good."""
    name = container["name"]
    ending = is_ending(pod, state, now)
    if last is not None and (ending or not _will_run(pod, container, state, last)):
        return None
    failure = state.failures.get(name)
    if state.refused and last is None:
        return {"reason": "CreateContainerConfigError", "message": state.refused}
    if failure is not None:
        return {"reason": failure.reason, "message": failure.message}
    if last is not None and last.backoff and not (last.inherited or last.again):
        meta = pod["metadata"]
        who = f"container={name} pod={meta['name']}_{meta['namespace']}({meta['uid']})"
        pause = backoff.text(last.backoff)
        return {"reason": "CrashLoopBackOff", "message": f"back-off {pause} restarting failed {who}"}
    if last is not None and not last.inherited:
        return None  # ended a moment ago: shown as terminated until it starts again
    regular = container in pod["spec"]["containers"]
    return {"reason": "PodInitializing" if regular and init_containers(pod) else "ContainerCreating"}


def _will_run(pod: Object, container: Object, state: State, last: Instance) -> bool:
    if is_sidecar(container):
        return True
    if container in init_containers(pod) and last.inherited:
        return not is_over(pod, state)
    return needs_run(pod, container, last)


def _is_ready(pod: Object, container: Object, state: State) -> bool:
    last = state.current(container["name"])
    if container in ephemeral_containers(pod):
        return False
    if container in init_containers(pod) and not is_sidecar(container):
        return last is not None and last.succeeded
    return state.is_started(container) and last is not None and state.health_of(last).ready


def _id(run: Instance, runtime: str) -> str:
    return f"{run.handler or runtime}://{run.id}"


def terminated(run: Instance, runtime: str) -> Object:
    """Return the ContainerStateTerminated of a run that has ended, or of one that was lost with its node."""
    code = run.exit_code if run.finished else LOST_EXIT_CODE
    result: Object = {
        "exitCode": code,
        "reason": run.reason or (LOST_REASON if not run.finished else "Completed" if code == 0 else "Error"),
        "startedAt": rfc3339(run.started_at) if run.started_at else None,
        "finishedAt": rfc3339(run.finished_at) if run.finished else None,
        "containerID": _id(run, runtime),
    }
    if run.message:
        result["message"] = run.message
    return result
