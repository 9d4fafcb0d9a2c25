"""What brings a pod up and keeps it running. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from wherry.node.pods.plan import failures, resize
from wherry.node.pods.plan.actions import (
    MountVolumes,
    PostStart,
    RefreshVolumes,
    Resize,
    SetUp,
    Start,
    Stop,
    TellPullBackOff,
)
from wherry.node.pods.plan.containers import ephemeral_containers, everyone, init_containers
from wherry.node.pods.plan.decision import Decision
from wherry.node.pods.plan.lifetime import needs_run
from wherry.node.pods.plan.state import State
from wherry.node.pods.plan.winddown import grace_seconds, press
from wherry.node.runtime.instance import Instance
from wherry.objects import Object
from wherry.objects.meaning.pods import is_sidecar


def bring_up(pod: Object, state: State, now: float, result: Decision) -> None:
    """Add what is to be done for a pod that should run."""
    if state.places is not None and state.volumes_due is not None:
        if state.volumes_due <= now:
            result.actions.append(RefreshVolumes())
        else:
            result.wake(state.volumes_due)
    if state.places is None:
        result.actions.append(MountVolumes())
    elif state.sandbox is None:
        result.actions.append(SetUp())
    else:
        if resize.steps(pod, state) is not None:
            result.actions.append(Resize())
        for container in _to_keep_running(pod, state):
            _keep_running(pod, container, state, now, result)
        _tell_pull_errors(pod, state, now, result)


def _to_keep_running(pod: Object, state: State) -> Iterator[Object]:
    """Yield the containers whose turn it is: ephemeral ones, and up to the first init container not through, or all."""
    yield from ephemeral_containers(pod)
    begun = any(state.current(c["name"]) for c in pod["spec"]["containers"])
    for container in init_containers(pod):
        if is_sidecar(container):
            yield container
            if not begun and not state.is_started(container):
                return
        elif not begun:
            last = state.current(container["name"])
            if last is None or not last.succeeded:
                yield container
                return
    for container in pod["spec"]["containers"]:
        yield container
        # A postStart hook that has not returned holds up the containers after it, as in the kubelet.
        last = state.current(container["name"])
        hooked = bool((container.get("lifecycle") or {}).get("postStart"))
        unborn = last is None and container["name"] not in state.failures
        if hooked and (unborn or (last is not None and last.running and last.hook == "pending")):
            return


def _keep_running(pod: Object, container: Object, state: State, now: float, result: Decision) -> None:
    name = container["name"]
    last = state.current(name)
    if last is not None and not last.finished:
        if last.running:
            _look_after(pod, container, last, state, now, result)
        return
    # What ended for good in an earlier life of the node is not run again; an init container is, its pod begins anew.
    previous = last if container in init_containers(pod) else state.latest(name)
    if is_sidecar(container) or needs_run(pod, container, previous):
        due = now
        if last is not None and last.image == container["image"] and not last.again:
            due = last.finished_at + last.backoff
        if due > now:
            result.wake(due)
        elif not resize.must_grow(pod, state):
            known = state.latest(name)
            result.actions.append(Start(name, known.attempt + 1 if known else 0))


def _look_after(pod: Object, container: Object, run: Instance, state: State, now: float, result: Decision) -> None:
    """Stop a running container that should not go on as it is; run its hook if that is due."""
    name = container["name"]
    if run.stopping_at:
        press(container, run, run.stopping_grace, now, result)
        return
    health = state.health_of(run)
    if why := _why_restart(container, run, state):
        grace = health.grace if not health.live and health.grace is not None else grace_seconds(pod)
        result.actions.append(Stop(name, grace, why, again=resize.must_restart(container, run)))
    elif run.hook == "pending":
        result.actions.append(PostStart(name))


def _why_restart(container: Object, run: Instance, state: State) -> str:
    """Return why a running container should not go on as it is, "" if it should."""
    name, health = container["name"], state.health_of(run)
    if run.hook == "failed":
        return "FailedPostStartHook"
    if run.image != container["image"]:
        return f"Container {name} definition changed, will be restarted"
    if resize.must_restart(container, run):
        return f"Container {name} resize requires restart"
    if not health.live:
        return f"Container {name} failed {'liveness' if health.started else 'startup'} probe, will be restarted"
    return ""


def _tell_pull_errors(pod: Object, state: State, now: float, result: Decision) -> None:
    """Go over from ErrImagePull, the failure, to ImagePullBackOff, the wait, as upstream does on its next sync."""
    for container in everyone(pod):
        failure = state.failures.get(container["name"])
        if failure is None or failure.reason != failures.NOT_PULLED:
            continue
        at = failure.at + failures.PULL_ERROR_SHOWN_SECONDS
        if now >= at:
            result.actions.append(TellPullBackOff(container["name"]))
        else:
            result.wake(at)
