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
from wherry.node.pods.plan import apparmor, failures, inheritance, sysctls, unsupported
from wherry.node.pods.plan.actions import Action, CleanUp, SetUp
from wherry.node.pods.plan.containers import everyone
from wherry.node.pods.plan.decide import decide
from wherry.node.pods.plan.decision import Decision
from wherry.node.pods.plan.events import Began, Event, Failed, Finished, Gone, ReferenceChanged
from wherry.node.pods.plan.state import Rejection, State
from wherry.node.pods.plan.update import inherit, update
from wherry.node.pods.status import build
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
        if any(pod["metadata"].get(k) != before.get(k) for k in ("labels", "annotations")):
            self._note(ReferenceChanged())  # the downward API shows them
        self._changed.set()

    def mirrored(self, pod: Object) -> None:
        """Tell the worker of a static pod of its mirror in the API."""
        self._status.seen(pod)

    def current_pod(self) -> Object:
        """Return the pod with the newest status, written or not."""
        return self._status.basis(self.pod)

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
        pod = self.current_pod()
        decision = decide(pod, self.state, now)
        for action in decision.actions:
            self._note(Began(action))
            self._tasks.create_task(self._perform(action))
        if not self.state.gone:
            runtime, deep = node.containers.programs.name, node.machine(self.state.handler).recursive_read_only
            told = build.build(pod, self.state, now, host_ips=node.addresses, runtime=runtime, recursive=deep)
            self._status.offer(told)
        return decision

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
            outcome = await self._performer.perform(action, self.pod, self.state)
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
    state = State(
        sandbox=node.sandboxes.find(uid),
        runs=runs,
        started_at=timestamps.parse(began) if began else time.time(),
        refused="; ".join(unsupported.refusals(pod)),
        rejected=sysctls.rejection(pod) or apparmor.rejection(pod, enabled=node.machines[""].confines),
        cleaned=not (node.sandboxes.folder(uid).exists() or node.volumes.hold(uid)),
    )
    now = time.time()
    return inherit(state, tuple(run for c in everyone(pod) for run in inheritance.runs(pod, c, now)))
