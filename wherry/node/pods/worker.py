"""One pod's worker: decides what to do, has it done, tells the API, waits for the next change.

Here and nowhere else is the pod's state kept. Actions run as tasks beside each other; what comes of them is an event,
which `update` makes a new state of, and the worker decides anew. Nothing that matters is in memory only: after the
agent was killed, the next worker finds sandbox, records and processes, and goes on.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from dataclasses import replace

from wherry.images import trees
from wherry.net.links import LinkError
from wherry.net.nft import NftError
from wherry.node.network.addresses import NoAddressLeftError
from wherry.node.pods.act.follow import Follower
from wherry.node.pods.act.node import NodeServices
from wherry.node.pods.act.perform import Performer
from wherry.node.pods.act.statuswriter import StatusWriter
from wherry.node.pods.act.telling import called, tell
from wherry.node.pods.plan import allocation, apparmor, failures, inheritance, resize, sysctls, unsupported
from wherry.node.pods.plan.actions import Action, CleanUp, SetUp
from wherry.node.pods.plan.containers import everyone
from wherry.node.pods.plan.decide import decide
from wherry.node.pods.plan.decision import Decision
from wherry.node.pods.plan.events import (
    Allocated,
    Began,
    Event,
    Failed,
    Finished,
    Gone,
    Postponed,
    Progressed,
    ReferenceChanged,
)
from wherry.node.pods.plan.lifetime import is_ending
from wherry.node.pods.plan.state import Pending, Progress, Rejection, State
from wherry.node.pods.plan.update import inherit, update
from wherry.node.pods.status import build, resizes
from wherry.node.runtime.instance import Instance
from wherry.node.runtime.machine import NoSuchHandlerError
from wherry.node.volumes.errors import VolumeError
from wherry.objects import Object, timestamps
from wherry.objects.errors import ApiError
from wherry.objects.meaning.pods import has_ended

log = logging.getLogger(__name__)

ERRORS = (ApiError, VolumeError, LinkError, NftError, NoAddressLeftError, NoSuchHandlerError, OSError)


class PodWorker:
    """Brings one pod up, keeps it, takes it down. `run` ends when nothing of the pod is left to do on this node."""

    def __init__(
        self, node: NodeServices, pod: Object, found: Iterable[Instance] = (), rejected: Rejection | None = None
    ):
        self.pod = pod
        first = _first_state(node, pod, found)
        self.state = replace(first, rejected=first.rejected or rejected)
        self._node = node
        self._tasks = asyncio.TaskGroup()
        self._status = StatusWriter(node.client, pod)
        self._performer = Performer(node, self._status, lambda: self._note(ReferenceChanged()))
        self._followers: dict[str, Follower] = {}  # by run id
        self._changed = asyncio.Event()

    @property
    def uid(self) -> str:
        """The pod's uid."""
        return str(self.pod["metadata"]["uid"])

    def update(self, pod: Object | None) -> None:
        """Tell the worker of a new version of its pod, or that the API has it no more."""
        if pod is None:
            self._note(Gone())
            return
        before, self.pod = self.pod["metadata"], pod
        self._status.seen(pod)
        if self.state.pending is not None and not allocation.is_asked(pod, self.state.allocated):
            self._note(Postponed(None))
        if any(pod["metadata"].get(k) != before.get(k) for k in ("labels", "annotations")):
            self._note(ReferenceChanged())  # the downward API shows them
        self._changed.set()

    def mirrored(self, pod: Object) -> None:
        """Tell the worker of a static pod of its mirror in the API."""
        self._status.seen(pod)

    def current_pod(self) -> Object:
        """Return the pod with the newest status, written or not."""
        return self._status.basis(self.pod)

    def allocated_pod(self) -> Object:
        """Return the same with the resources that the node has set aside in the place of those that are wanted."""
        return allocation.with_allocated(self.current_pod(), self.state.allocated)

    @property
    def wants_resize(self) -> bool:
        """Whether the pod wants other resources than are set aside for it, and is there to use them."""
        ending = is_ending(self.current_pod(), self.state, time.time())
        return not ending and allocation.is_asked(self.pod, self.state.allocated)

    def allocate(self) -> None:
        """Set aside what the pod wants."""
        generation = self._generation
        self._note(Allocated(allocation.wanted(self.pod), Progress(generation, time.time())))
        if self.state.sandbox is not None:
            self._node.sandboxes.allocate(self.pod)
        text = resizes.message("Pod resize started", self.pod, generation)
        tell(self._node.events, self.pod, "Normal", "ResizeStarted", text)

    def postpone(self, reason: str, message: str) -> None:
        """Say why the pod cannot have what it wants."""
        before, generation = self.state.pending, self._generation
        same = before is not None and before.reason == reason
        since = before.since if before is not None and same else time.time()
        self._note(Postponed(Pending(reason, message, generation, since)))
        if before is None or not same or before.generation != generation:
            text = resizes.message(f"Pod resize {reason}", self.pod, generation, message)
            tell(self._node.events, self.pod, "Warning", f"Resize{reason}", text)

    @property
    def _generation(self) -> int:
        return int(self.pod["metadata"].get("generation") or 0)

    async def run(self) -> None:
        """Work until the pod is gone and cleaned up; cancelled, leave everything as it is for the next agent."""
        async with self._tasks:
            writer = self._tasks.create_task(self._status.run())
            self._complain()
            while not (self.state.gone and self.state.cleaned and not self.state.busy):
                self._changed.clear()
                decision = self._step()
                await self._sleep_until(decision.wake_at)
            await self._forget()
            writer.cancel()

    def _complain(self) -> None:
        confined = apparmor.warnings(self.pod, enabled=self._node.machines[""].confines)
        for text in (*unsupported.warnings(self.pod), *confined):
            tell(self._node.events, self.pod, "Warning", "Unsupported", text)
        if self.state.refused and not has_ended(self.pod):
            tell(self._node.events, self.pod, "Warning", "FailedValidation", f"Error: {self.state.refused}")
        if self.state.rejected is not None and not has_ended(self.pod):
            tell(self._node.events, self.pod, "Warning", self.state.rejected.reason, self.state.rejected.message)

    def _step(self) -> Decision:
        """Follow, decide, launch, tell."""
        self._follow()
        now, node = time.time(), self._node
        pod = self.allocated_pod()
        self._see_to_progress(pod)
        decision = decide(pod, self.state, now)
        for action in decision.actions:
            self._note(Began(action))
            self._tasks.create_task(self._perform(action))
        if not self.state.gone:
            runtime, deep = node.containers.programs.name, node.machine(self.state.handler).recursive_read_only
            told = build.build(pod, self.state, now, host_ips=node.addresses, runtime=runtime, recursive=deep)
            self._status.offer(told)
        return decision

    def _see_to_progress(self, pod: Object) -> None:
        """Tell when all that is allocated is in force, and while it is not."""
        progress, under_way = self.state.progress, resize.is_in_progress(pod, self.state)
        if progress is not None and not under_way:
            self._note(Progressed(None))
            text = resizes.message("Pod resize completed", pod, progress.generation)
            tell(self._node.events, pod, "Normal", "ResizeCompleted", text)
        elif progress is None and under_way:
            self._note(Progressed(Progress(self._generation, time.time())))

    def _follow(self) -> None:
        """Have every container that runs followed to its end."""
        for run in self.state.every_run():
            if run.running and run.id not in self._followers:
                self._followers[run.id] = Follower(self._node, self.pod, run, lambda: self.state, self._note)
                self._tasks.create_task(self._follow_to_its_end(run.id))
            elif run.running and run.stopping_at:
                self._followers[run.id].ending()

    async def _follow_to_its_end(self, run_id: str) -> None:
        await self._followers[run_id].run()
        del self._followers[run_id]

    async def _sleep_until(self, at: float | None) -> None:
        try:
            async with asyncio.timeout(None if at is None else max(0.0, at - time.time())):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _forget(self) -> None:
        """Remove the last of the pod: the records of its runs, its logs."""
        self._node.objects.release(self.uid)
        for run in self.state.every_run():
            if not run.inherited:
                await self._node.containers.forget(run)
        folder = self._node.containers.log_folder(self.pod)
        await asyncio.to_thread(trees.discard, folder)

    async def _perform(self, action: Action) -> None:
        try:
            pod = allocation.with_allocated(self.pod, self.state.allocated)
            outcome = await self._performer.perform(action, pod, self.state)
        except ERRORS as error:
            self._complain_of(action.key, error)
            failure = failures.again(self.state.failures.get(action.key), str(error), time.time())
            outcome = Failed(action.key, failure)
        self._note(Finished(action, outcome))

    def _complain_of(self, key: str, error: Exception) -> None:
        log.info("pod action failed: pod=%s action=%s error=%s", called(self.pod), key, error)
        if isinstance(error, VolumeError):
            tell(self._node.events, self.pod, "Warning", "FailedMount", str(error))
        elif key == SetUp.key:
            text = f"Failed to create pod sandbox: {error}"
            tell(self._node.events, self.pod, "Warning", "FailedCreatePodSandBox", text)
        elif key == CleanUp.key:
            tell(self._node.events, self.pod, "Warning", "FailedKillPod", f"error killing pod: {error}")

    def _note(self, event: Event) -> None:
        """Go over to the state after `event`; records of runs go to disk first, so that a new agent finds them."""
        after = update(self.state, event)
        known = {run.id: run for run in self.state.every_run()}
        for run in after.every_run():
            if run != known.get(run.id) and not run.inherited:
                self._node.containers.save(run)
        self.state = after
        self._changed.set()


def _first_state(node: NodeServices, pod: Object, found: Iterable[Instance]) -> State:
    """Return what an earlier agent has left, and what the API remembers of an earlier life of the node."""
    uid, began = pod["metadata"]["uid"], (pod.get("status") or {}).get("startTime")
    runs: dict[str, tuple[Instance, ...]] = {}
    for run in found:
        runs[run.container] = (*runs.get(run.container, ()), run)
    owner = node.sandboxes.pod(uid)
    state = State(
        sandbox=node.sandboxes.find(uid),
        allocated=allocation.wanted(owner) if owner else allocation.remembered(pod),
        pending=resizes.pending_of(pod),
        progress=resizes.progress_of(pod),
        runs=runs,
        started_at=timestamps.parse(began) if began else time.time(),
        refused="; ".join(unsupported.refusals(pod)),
        rejected=sysctls.rejection(pod) or apparmor.rejection(pod, enabled=node.machines[""].confines),
        cleaned=not (node.sandboxes.folder(uid).exists() or node.volumes.hold(uid)),
    )
    now = time.time()
    return inherit(state, tuple(run for c in everyone(pod) for run in inheritance.runs(pod, c, now)))
