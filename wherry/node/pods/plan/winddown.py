"""What takes a pod down. Pure.

A deleted pod's containers get their stop signal when nobody is sent to them any more: `Withdraw` waits until the pod's
EndpointSlices say that it is terminating, and a moment for those who follow them. Else a server that stops listening
at once, as most do, would refuse the connections that a proxy still sends it. The preStop hook runs meanwhile. While
the API cannot be reached (which is when its controllers cannot tell the proxies either) the pod goes on serving, for
at most half of its grace period: the other half is what it may need to end.
"""

from __future__ import annotations

from wherry.node.pods.plan.actions import CleanUp, Finish, Kill, PreStop, Signal, Stop, Withdraw
from wherry.node.pods.plan.containers import everyone, init_containers
from wherry.node.pods.plan.decision import Decision
from wherry.node.pods.plan.state import State
from wherry.node.runtime.instance import Instance
from wherry.objects import Object, metadata
from wherry.objects.meaning.pods import is_sidecar

DEFAULT_GRACE_SECONDS = 30.0
LEAST_GRACE_AFTER_HOOK_SECONDS = 2.0
LONGEST_WITHDRAWAL = 0.5
"""The part of a grace period that a pod may go on serving while nobody can be told that it ends."""


def grace_seconds(pod: Object) -> float:
    """Return the pod's own grace period."""
    return float(pod["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS))


def wind_down(pod: Object, state: State, now: float, result: Decision) -> None:
    """Add what is to be done for a pod that should not run any more."""
    sidecars = [c for c in init_containers(pod) if is_sidecar(c)]
    others = [c for c in everyone(pod) if not is_sidecar(c)]
    # Last started, first stopped (KEP-753).
    for group in (others, *([sidecar] for sidecar in reversed(sidecars))):
        if _stop_all(pod, group, state, now, result):
            return
    unfinished = state.busy - {CleanUp.key, Finish.key, Withdraw.key}
    if unfinished or any(run.needs_retiring for run in state.every_run()):
        return
    if not state.cleaned:
        result.actions.append(CleanUp())
    elif metadata.is_being_deleted(pod) and not state.gone and not state.told:
        result.actions.append(Finish())


def _stop_all(pod: Object, containers: list[Object], state: State, now: float, result: Decision) -> bool:
    """Stop containers; tell whether there were any to stop."""
    asked = pod["metadata"].get("deletionGracePeriodSeconds")
    grace = float(asked) if asked is not None else grace_seconds(pod)
    released = state.withdrawn or state.gone or not metadata.is_being_deleted(pod)
    alive = [(c, run) for c in containers if (run := state.running(c["name"]))]
    if not released and grace > 0 and any(not (run.signalled_at or run.killed_at) for _, run in alive):
        result.actions.append(Withdraw())
    for container, run in alive:
        if run.stopping_at:
            press(container, run, min(grace, run.stopping_grace), now, result, released=released)
        else:
            result.actions.append(Stop(run.container, grace, f"Stopping container {run.container}"))
    return bool(alive)


def press(
    container: Object, run: Instance, grace: float, now: float, result: Decision, *, released: bool = True
) -> None:
    """See that a run whose end was asked for ends: its hook, its signal when it is `released`, SIGKILL in the end."""
    if run.killed_at:
        return
    over = run.stopping_at + grace
    # A hook that took all the time leaves two seconds for the signal (pkg/kubelet/kuberuntime killContainer).
    if run.signalled_at:
        over = max(over, run.signalled_at + min(grace, LEAST_GRACE_AFTER_HOOK_SECONDS))
    else:
        over += min(grace, LEAST_GRACE_AFTER_HOOK_SECONDS)
    if now >= over:
        result.actions.append(Kill(run.container))
        return
    result.wake(over)
    if run.signalled_at:
        return
    longest = run.stopping_at + grace * LONGEST_WITHDRAWAL
    if (container.get("lifecycle") or {}).get("preStop") and not run.hooked_at:
        result.actions.append(PreStop(run.container, run.stopping_at + grace))
    elif released or now >= longest:
        result.actions.append(Signal(run.container))
    else:
        result.wake(longest)
