"""One pod's worker: observes, asks `plan` what to do, does it, tells the API, waits for the next change.

Actions run as tasks beside each other; what they change wakes the worker, which plans anew. Nothing that matters is in
memory only: after the agent was killed, the next worker finds sandbox, records and processes, and goes on.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Iterable
from dataclasses import replace

from wherry.net.links import LinkError
from wherry.net.nft import NftError
from wherry.node.network import hostports
from wherry.node.network.addresses import NoAddressLeftError
from wherry.node.pods import inheritance, state, status, unsupported
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
from wherry.node.pods.keeping import ContainerKeeper
from wherry.node.pods.memory import Memory
from wherry.node.pods.plan import Plan, plan
from wherry.node.pods.services import NodeServices
from wherry.node.pods.starting import MISCONFIGURED, ContainerStarter
from wherry.node.pods.state import Sandbox, Waiting
from wherry.node.pods.statuswriter import StatusWriter
from wherry.node.runtime.instance import Instance
from wherry.node.volumes.errors import VolumeError
from wherry.objects import Object, podreferences
from wherry.objects.errors import ApiError, Conflict, NotFound
from wherry.objects.resource import PODS

log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 60.0

ERRORS = (ApiError, VolumeError, LinkError, NftError, NoAddressLeftError, OSError)


class PodWorker:
    """Brings one pod up, keeps it, takes it down. `run` ends when nothing of the pod is left to do on this node."""

    def __init__(self, node: NodeServices, pod: Object, found: Iterable[Instance] = ()):
        self.memory = Memory(node, pod, found)
        self._node = node
        self._tasks = asyncio.TaskGroup()
        self._status = StatusWriter(node.client, pod)
        self._starter = ContainerStarter(node, self.memory)
        self._keeper = ContainerKeeper(node, self.memory, self._tasks)

    def update(self, pod: Object | None) -> None:
        """Tell the worker of a new version of its pod, or that the API has it no more."""
        memory = self.memory
        if pod is None:
            memory.gone = True
        else:
            if any(pod["metadata"].get(k) != memory.pod["metadata"].get(k) for k in ("labels", "annotations")):
                memory.volumes_due = 0.0  # the downward API shows them
            memory.pod = pod
            self._status.seen(pod)
        memory.changed.set()

    def current_pod(self) -> Object:
        """Return the pod with the newest status, written or not."""
        return self._status.basis(self.memory.pod)

    async def run(self) -> None:
        """Work until the pod is gone and cleaned up; cancelled, leave everything as it is for the next agent."""
        memory = self.memory
        async with self._tasks:
            writer = self._tasks.create_task(self._status.run())
            self._take_over()
            self._complain()
            while not (memory.gone and memory.cleaned and not memory.busy):
                memory.changed.clear()
                result = self._step()
                await self._sleep_until(result.wake_at)
            await self._forget()
            writer.cancel()

    def _take_over(self) -> None:
        """Go on with what an earlier agent has left, or with what the API remembers of an earlier life of the node."""
        memory = self.memory
        for container in state.everyone(memory.pod):
            memory.runs.inherit(inheritance.runs(memory.pod, container, time.time()))
        for run in memory.runs:
            if run.running:
                self._keeper.follow(run)

    def _complain(self) -> None:
        for text in unsupported.warnings(self.memory.pod):
            self.memory.event("Warning", "Unsupported", text)
        if self.memory.refused and not state.is_finished(self.memory.pod):
            self.memory.event("Warning", "FailedValidation", f"Error: {self.memory.refused}")

    def _step(self) -> Plan:
        """Plan, launch, tell."""
        now, memory, node = time.time(), self.memory, self._node
        pod = self._status.basis(memory.pod)
        result = plan(pod, memory.observe(), now)
        for action in result.actions:
            memory.busy.add(action.key)
            self._tasks.create_task(self._perform(action))
        if not memory.gone:
            runtime = node.containers.programs.name
            self._status.offer(status.build(pod, memory.observe(), now, host_ip=node.address, runtime=runtime))
        return result

    async def _sleep_until(self, at: float | None) -> None:
        try:
            async with asyncio.timeout(None if at is None else max(0.0, at - time.time())):
                await self.memory.changed.wait()
        except TimeoutError:
            return

    async def _forget(self) -> None:
        """Remove the last of the pod: the records of its runs, its logs."""
        self._node.objects.release(self.memory.uid)
        for run in self.memory.runs:
            if not run.inherited:
                await self._node.containers.forget(run)
        folder = self._node.containers.log_folder(self.memory.pod)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    # Performing

    async def _perform(self, action: Action) -> None:
        memory = self.memory
        try:
            await self._do(action)
        except ERRORS as error:
            self._fail(action.key, error)
        else:
            if not isinstance(action, Start):  # which says itself what keeps a container from starting
                memory.failed.pop(action.key, None)
        finally:
            memory.busy.discard(action.key)
            memory.changed.set()

    async def _do(self, action: Action) -> None:
        match action:
            case MountVolumes() | RefreshVolumes():
                await self._sync_volumes()
            case SetUp():
                self.memory.cleaned = False
                self.memory.sandbox = await self._set_up()
            case Start():
                run = await self._starter.start(action.container, action.attempt)
                if run is not None:
                    self._keeper.follow(run)
            case PostStart():
                await self._keeper.post_start(action.container)
            case Stop():
                await self._keeper.stop(action.container, action.grace, action.why)
            case Kill():
                await self._keeper.kill(action.container)
            case CleanUp():
                await self._clean_up()
            case Finish():
                await self._finish()

    def _fail(self, key: str, error: Exception) -> None:
        """Remember a failure of something that is tried again with growing pauses."""
        memory = self.memory
        before = memory.failed.get(key)
        pause = min(before.pause * 2, LONGEST_RETRY_SECONDS) if before else FIRST_RETRY_SECONDS
        if key == RefreshVolumes.key:
            memory.volumes_due = 0.0  # still to be done, after the pause
        memory.failed[key] = Waiting("ContainerCreating", str(error), time.time() + pause, pause)
        log.info("pod action failed: pod=%s action=%s error=%s", memory.name, key, error)
        if isinstance(error, VolumeError):
            memory.event("Warning", "FailedMount", str(error))
        elif key == SetUp.key:
            memory.event("Warning", "FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}")
        elif key == CleanUp.key:
            memory.event("Warning", "FailedKillPod", f"error killing pod: {error}")

    async def _sync_volumes(self) -> None:
        memory, node = self.memory, self._node
        namespace = memory.pod["metadata"]["namespace"]
        memory.cleaned = False
        await node.objects.hold(namespace, memory.uid, podreferences.of_pod(memory.pod), self._reference_changed)
        memory.volumes_due = None
        synced = await node.volumes.sync(
            memory.pod,
            lambda kind, name: node.objects.get(namespace, kind, name),
            memory.ip,
            node.allocatable,
            time.time,
        )
        memory.places = synced.places
        if synced.renew_at is not None and memory.volumes_due is None:
            memory.volumes_due = synced.renew_at

    def _reference_changed(self) -> None:
        """Look again at volumes, and at once at what waited for a ConfigMap or Secret."""
        memory = self.memory
        memory.volumes_due = 0.0
        for key, failure in list(memory.failed.items()):
            if failure.reason == MISCONFIGURED or key in (MountVolumes.key, RefreshVolumes.key):
                memory.failed[key] = replace(failure, retry_at=0.0)
        memory.changed.set()

    async def _set_up(self) -> Sandbox:
        memory, node = self.memory, self._node
        sandbox = await asyncio.to_thread(node.sandboxes.set_up, memory.pod)
        if hostports.of_pod(memory.pod, sandbox.ip):
            await node.host_ports.sync()
        return sandbox

    async def _clean_up(self) -> None:
        memory, node = self.memory, self._node
        node.objects.release(memory.uid)
        await node.volumes.tear_down(memory.uid)
        await asyncio.to_thread(node.sandboxes.tear_down, memory.uid)
        if hostports.of_pod(memory.pod, memory.ip):
            await node.host_ports.sync()
        memory.sandbox, memory.places, memory.volumes_due = None, None, None
        memory.cleaned = True

    async def _finish(self) -> None:
        await self._status.flush()
        meta = self.memory.pod["metadata"]
        try:
            await self._node.client.delete(
                PODS, meta["name"], meta["namespace"], grace_period_seconds=0, uid=meta["uid"]
            )
        except (NotFound, Conflict):
            self.memory.gone = True
        self.memory.told = True
