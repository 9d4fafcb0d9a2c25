"""What to do next for a pod. Pure: (pod, what is observed, now) -> actions and when to look again.

    not ended:   volumes → sandbox → init containers, one after the other → containers → keep them running
    ended (deleted, gone, past its deadline, all containers done):
                 stop the containers → stop the sidecars → clean up → tell the API

The worker performs the actions and asks again whenever something has changed, so no action is remembered here:
whatever killed the agent between two of them, the next plan goes on from what is there. Each action has a key, and
`Observed.busy` holds the keys of those under way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from wherry.node.pods import state
from wherry.node.pods.actions import (
    Action,
    CleanUp,
    Finish,
    Kill,
    MountVolumes,
    PostStart,
    RefreshVolumes,
    SetUp,
    Start,
    Stop,
)
from wherry.node.pods.backoff import after_run
from wherry.node.pods.state import Observed
from wherry.node.runtime.instance import Instance
from wherry.objects import Object

DEFAULT_GRACE_SECONDS = 30.0
LEAST_GRACE_AFTER_HOOK_SECONDS = 2.0


@dataclass(slots=True)
class Plan:
    """Actions to perform, side by side, and when (epoch seconds) to plan again if nothing happens before."""

    actions: list[Action] = field(default_factory=list)
    wake_at: float | None = None

    def wake(self, at: float) -> None:
        """Plan again at `at` or earlier."""
        self.wake_at = at if self.wake_at is None else min(self.wake_at, at)


def plan(pod: Object, seen: Observed, now: float) -> Plan:
    """Return what to do next."""
    result = Plan()
    limit = state.deadline(pod, seen)
    if is_ending(pod, seen, now):
        _wind_down(pod, seen, now, result)
    elif not seen.refused:
        if limit is not None:
            result.wake(limit)
        _bring_up(pod, seen, now, result)
    result.actions = [action for action in result.actions if _is_due(action, seen, now, result)]
    return result


def _is_due(action: Action, seen: Observed, now: float, result: Plan) -> bool:
    """Tell whether to perform `action` now: it is not under way, and its pause is over if it failed lately."""
    if action.key in seen.busy:
        return False  # its end wakes the worker
    failure = seen.failed.get(action.key)
    if failure is not None and failure.retry_at > now:
        result.wake(failure.retry_at)
        return False
    return True


def is_ending(pod: Object, seen: Observed, now: float) -> bool:
    """Tell whether nothing of the pod should run any more."""
    limit = state.deadline(pod, seen)
    return (
        seen.gone
        or bool(pod["metadata"].get("deletionTimestamp"))
        or state.is_finished(pod)
        or state.is_over(pod, seen)
        or (limit is not None and now >= limit)
    )


# Bringing up


def _bring_up(pod: Object, seen: Observed, now: float, result: Plan) -> None:
    if seen.volumes and seen.volumes_due is not None:
        if seen.volumes_due <= now:
            result.actions.append(RefreshVolumes())
        else:
            result.wake(seen.volumes_due)
    if not seen.volumes:
        result.actions.append(MountVolumes())
    elif seen.sandbox is None:
        result.actions.append(SetUp())
    else:
        for container in _to_keep_running(pod, seen):
            _keep_running(pod, container, seen, now, result)


def _to_keep_running(pod: Object, seen: Observed) -> Iterator[Object]:
    """Yield the containers whose turn it is: up to the first init container that is not through, or all."""
    begun = any(seen.current(c["name"]) for c in pod["spec"]["containers"])
    for container in state.init_containers(pod):
        if state.is_sidecar(container):
            yield container
            if not begun and not seen.is_started(container):
                return
        elif not begun:
            last = seen.current(container["name"])
            if last is None or not last.succeeded:
                yield container
                return
    for container in pod["spec"]["containers"]:
        yield container
        # A postStart hook that has not returned holds up the containers after it, as in the kubelet.
        last = seen.current(container["name"])
        hooked = bool((container.get("lifecycle") or {}).get("postStart"))
        unborn = last is None and container["name"] not in seen.failed
        if hooked and (unborn or (last is not None and last.running and last.hook == "pending")):
            return


def _keep_running(pod: Object, container: Object, seen: Observed, now: float, result: Plan) -> None:
    name = container["name"]
    last = seen.current(name)
    if last is not None and not last.finished:
        if last.running:
            _look_after(pod, container, last, seen, now, result)
        return
    # What ended for good in an earlier life of the node is not run again; an init container is, its pod begins anew.
    previous = last if container in state.init_containers(pod) else seen.latest(name)
    if state.is_sidecar(container) or state.needs_run(pod, container, previous):
        due = last.finished_at + last.backoff if last is not None else now
        if due > now:
            result.wake(due)
        else:
            known = seen.latest(name)
            result.actions.append(Start(name, known.attempt + 1 if known else 0))


def _look_after(pod: Object, container: Object, run: Instance, seen: Observed, now: float, result: Plan) -> None:
    """Stop a running container that should not go on as it is; run its hook if that is due."""
    name = container["name"]
    if run.stopping_at:
        _press(run, run.stopping_grace, now, result)
        return
    health = seen.health_of(run)
    why = ""
    if run.hook == "failed":
        why = "FailedPostStartHook"
    elif run.image != container["image"]:
        why = f"Container {name} definition changed, will be restarted"
    elif not health.live:
        probe = "liveness" if health.started else "startup"
        why = f"Container {name} failed {probe} probe, will be restarted"
    if why:
        grace = health.grace if not health.live and health.grace is not None else grace_seconds(pod)
        result.actions.append(Stop(name, grace, why))
    elif run.hook == "pending":
        result.actions.append(PostStart(name))


def grace_seconds(pod: Object) -> float:
    """Return the pod's own grace period."""
    return float(pod["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS))


# Winding down


def _wind_down(pod: Object, seen: Observed, now: float, result: Plan) -> None:
    grace = _deletion_grace(pod)
    sidecars = [c for c in state.init_containers(pod) if state.is_sidecar(c)]
    others = [c for c in state.everyone(pod) if not state.is_sidecar(c)]
    if _stop_all(others, seen, grace, now, result):
        return
    # Last started, first stopped (KEP-753).
    for sidecar in reversed(sidecars):
        if _stop_all([sidecar], seen, grace, now, result):
            return
    if seen.busy - {CleanUp.key, Finish.key}:
        return
    if not seen.cleaned:
        result.actions.append(CleanUp())
    elif pod["metadata"].get("deletionTimestamp") and not seen.gone and not seen.told:
        result.actions.append(Finish())


def _deletion_grace(pod: Object) -> float:
    asked = pod["metadata"].get("deletionGracePeriodSeconds")
    return float(asked) if asked is not None else grace_seconds(pod)


def _stop_all(containers: list[Object], seen: Observed, grace: float, now: float, result: Plan) -> bool:
    """Stop what runs of `containers`; tell whether any still does."""
    runs = [seen.current(c["name"]) for c in containers]
    alive = [run for run in runs if run is not None and run.running]
    for run in alive:
        if run.stopping_at:
            _press(run, min(grace, run.stopping_grace), now, result)
        else:
            result.actions.append(Stop(run.container, grace, f"Stopping container {run.container}"))
    return bool(alive)


def _press(run: Instance, grace: float, now: float, result: Plan) -> None:
    """See that a run whose end was asked for ends: the signal after its preStop hook, SIGKILL after its grace."""
    if run.killed_at:
        return
    over = run.stopping_at + grace
    # A hook that took all the time leaves two seconds for the signal (pkg/kubelet/kuberuntime killContainer).
    if run.signalled_at:
        over = max(over, run.signalled_at + min(grace, LEAST_GRACE_AFTER_HOOK_SECONDS))
    else:
        over += min(grace, LEAST_GRACE_AFTER_HOOK_SECONDS)
        result.actions.append(Stop(run.container, grace, ""))
    if now >= over:
        result.actions.append(Kill(run.container))
    else:
        result.wake(over)


def pause_after(run: Instance, previous: Instance | None, ended_at: float) -> float:
    """Return the pause that follows a run that ended at `ended_at`."""
    before = None if previous is None or previous.inherited else previous.backoff
    return after_run(before, ended_at - run.started_at)
