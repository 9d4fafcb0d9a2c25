"""One action for one pod: performed, and what has come of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from wherry.node.pods.act import belongings, resize, stop
from wherry.node.pods.act.node import NodeServices
from wherry.node.pods.act.start import start, tell_pull_backoff
from wherry.node.pods.act.statuswriter import StatusWriter
from wherry.node.pods.plan.actions import (
    Action,
    CleanUp,
    Finish,
    Forget,
    Kill,
    MountVolumes,
    PostStart,
    PreStop,
    RefreshVolumes,
    Resize,
    Retire,
    SetUp,
    Signal,
    Start,
    Stop,
    TellPullBackOff,
    Withdraw,
)
from wherry.node.pods.plan.events import Outcome, RunChanged, RunForgotten, Told, Withdrawn
from wherry.node.pods.plan.state import State
from wherry.node.runtime import logrotation
from wherry.node.runtime.instance import Instance
from wherry.objects import Object
from wherry.objects.errors import Conflict, NotFound
from wherry.objects.resource import PODS


class Performer:
    """Performs actions for one pod. `reference_changed` is called when what its volumes are made of has changed."""

    def __init__(self, node: NodeServices, status: StatusWriter, reference_changed: Callable[[], None]):
        self._node = node
        self._status = status
        self._reference_changed = reference_changed

    async def perform(self, action: Action, pod: Object, state: State) -> Outcome | None:
        """Perform an action; raises what the parts of the node raise, and the action is tried again."""
        node = self._node
        match action:
            case MountVolumes() | RefreshVolumes():
                return await belongings.sync(node, pod, state, self._reference_changed)
            case SetUp():
                return await belongings.set_up(node, pod)
            case Resize():
                return await resize.resize(node, pod, state)
            case CleanUp():
                return await belongings.clean_up(node, pod, state)
            case Start(container, attempt):
                return await start(node, pod, state, container, attempt)
            case TellPullBackOff(container):
                return tell_pull_backoff(node, pod, state, container)
            case PostStart(container):
                return await stop.post_start(node, pod, state, container)
            case Stop():
                return stop.stop(node, pod, state, action)
            case PreStop():
                return await stop.pre_stop(node, pod, state, action)
            case Signal(container):
                return stop.send_signal(node, state, container)
            case Kill(container):
                return await stop.kill(node, state, container)
            case Retire(run):
                await node.containers.retire(run)
                return RunChanged(run, {"retired": True})
            case Forget(run):
                return await self._forget(pod, run)
            case Withdraw():
                return await self._withdraw(pod, state)
            case Finish():
                return await self._finish(pod)

    async def _withdraw(self, pod: Object, state: State) -> Withdrawn:
        """Wait; what a hostNetwork pod is sent cannot be told from its node's own."""
        address = "" if pod["spec"].get("hostNetwork") else state.ip
        with self._node.arrivals.at(address) as taken:
            await self._node.endpoints.withdrawn(pod, taken)
        return Withdrawn()

    async def _forget(self, pod: Object, run: Instance) -> RunForgotten:
        containers = self._node.containers
        await containers.forget(run)
        await asyncio.to_thread(logrotation.remove, containers.log_path(pod, run))
        return RunForgotten(run)

    async def _finish(self, pod: Object) -> Told:
        await self._status.flush()
        meta = pod["metadata"]
        try:
            await self._node.client.delete(
                PODS, meta["name"], meta["namespace"], grace_period_seconds=0, uid=meta["uid"]
            )
        except (NotFound, Conflict):
            return Told(gone=True)
        return Told(gone=False)
