"""A container's hooks, and its end: the preStop hook, the stop signal, SIGKILL."""

from __future__ import annotations

import signal
import time

from wherry.node.pods.act import hooks
from wherry.node.pods.act.node import NodeServices
from wherry.node.pods.act.telling import tell
from wherry.node.pods.plan.actions import PreStop, Stop
from wherry.node.pods.plan.containers import container_of
from wherry.node.pods.plan.events import RunChanged
from wherry.node.pods.plan.state import State
from wherry.node.probes.check import CheckError
from wherry.objects import Object


async def post_start(node: NodeServices, pod: Object, state: State, name: str) -> RunChanged | None:
    """Run the postStart hook of a container that has just started."""
    run, container = state.running(name), container_of(pod, name)
    if run is None:
        return None
    try:
        await hooks.run(container["lifecycle"]["postStart"], node.probe_target(run, container, state.ip))
    except CheckError as error:
        tell(node.events, pod, "Warning", "FailedPostStartHook", f"PostStartHook failed: {error}", container)
        return RunChanged(run, {"hook": "failed"})
    return RunChanged(run, {"hook": "done"})


def stop(node: NodeServices, pod: Object, state: State, action: Stop) -> RunChanged | None:
    """Note that a run is to end: the hook, the signal and SIGKILL follow from that."""
    run = state.running(action.container)
    if run is None:
        return None
    tell(node.events, pod, "Normal", "Killing", action.why, container_of(pod, action.container))
    return RunChanged(run, {"stopping_at": time.time(), "stopping_grace": action.grace, "again": action.again})


async def pre_stop(node: NodeServices, pod: Object, state: State, action: PreStop) -> RunChanged | None:
    """Run the preStop hook, for as long as there is time."""
    run, container = state.running(action.container), container_of(pod, action.container)
    if run is None:
        return None
    left = action.until - time.time()
    if left > 0:
        try:
            await hooks.run(container["lifecycle"]["preStop"], node.probe_target(run, container, state.ip), left)
        except CheckError as error:
            tell(node.events, pod, "Warning", "FailedPreStopHook", f"PreStopHook failed: {error}", container)
    return RunChanged(run, {"hooked_at": time.time()})


def send_signal(node: NodeServices, state: State, name: str) -> RunChanged | None:
    """Send the stop signal."""
    run = state.running(name)
    if run is None:
        return None
    node.containers.signal(run, stop_signal(run.stop_signal))
    return RunChanged(run, {"signalled_at": time.time()})


async def kill(node: NodeServices, state: State, name: str) -> RunChanged | None:
    """End a container at once."""
    run = state.running(name)
    if run is None:
        return None
    await node.containers.kill(run)
    return RunChanged(run, {"killed_at": time.time()})  # not before: an agent killed in between kills again


def stop_signal(name: str) -> signal.Signals:
    """Return a stop signal by name or number; one that is not known here is SIGTERM."""
    try:
        return signal.Signals(int(name)) if name.isdigit() else signal.Signals[name]
    except (KeyError, ValueError):
        return signal.SIGTERM
