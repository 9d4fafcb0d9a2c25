"""The scheduler's loop: watches keep the snapshot and the queue, decisions become bindings, events and conditions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from random import Random

from wherry.client.interface import Client
from wherry.component.component import Component
from wherry.component.supervise import told_to_end
from wherry.objects import Object, metadata
from wherry.objects.meaning.pods import has_ended, node_of
from wherry.objects.resource import (
    NAMESPACES,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    POD_DISRUPTION_BUDGETS,
    PODS,
    STORAGE_CLASSES,
)
from wherry.scheduler.changes import node_events, pod_events
from wherry.scheduler.claims import Choice
from wherry.scheduler.config import SchedulerConfig
from wherry.scheduler.decide import Chosen, decide
from wherry.scheduler.filters import volumebinding
from wherry.scheduler.outcome import Outcome
from wherry.scheduler.plugin import Event
from wherry.scheduler.pod import Pod
from wherry.scheduler.preempt import TERMINATING, preempt
from wherry.scheduler.queue import Queue, Waiting
from wherry.scheduler.snapshot import Snapshot
from wherry.telemetry import metrics

log = logging.getLogger(__name__)

duration = metrics.histogram("scheduler_scheduling_attempt_duration_seconds", "Time to decide on one pod.")
pending = metrics.gauge("scheduler_pending_pods", "Pods waiting for a node.")


def make(client: Client, config: SchedulerConfig, *, random: Random | None = None) -> Component:
    """Return the scheduler. A pod it stumbles over is tried again after a pause; the others do not notice."""
    component = Component("scheduler", client)
    component.task("scheduling", Scheduler(component, config, random or Random()).run)
    return component


class Scheduler:
    """The caches, the queue, the bindings under way."""

    def __init__(self, component: Component, config: SchedulerConfig, random: Random):
        self._component = component
        self._config = config
        self._random = random
        self._snapshot = Snapshot()
        self._queue = Queue(config, asyncio.get_running_loop().time)
        self._stumbles = component.troubles.part("scheduling of a pod")
        recorder = component.recorder(config.name)
        self._outcome = Outcome(component.client, self._snapshot, self._queue, recorder, component.clock, config.name)
        component.follow(NODES).subscribe(self._node_changed)
        component.follow(NAMESPACES).subscribe(self._namespace_changed)
        component.follow(PODS).subscribe(self._pod_changed)
        component.follow(STORAGE_CLASSES).subscribe(self._class_changed)
        component.follow(PERSISTENT_VOLUMES).subscribe(self._volume_changed)
        component.follow(PERSISTENT_VOLUME_CLAIMS).subscribe(self._claim_changed)
        component.follow(POD_DISRUPTION_BUDGETS).subscribe(self._budget_changed)

    async def run(self) -> None:
        """Schedule until cancelled. What an earlier run was about to write is decided anew."""
        await self._component.synced()
        self._queue.take_back()
        self._snapshot.take_back()
        log.info("scheduler started name=%s", self._config.name)
        slots = asyncio.Semaphore(self._config.bindings)
        async with asyncio.TaskGroup() as group:
            while True:
                await asyncio.sleep(0)  # thousands of pods without a place must not starve the API server beside us
                await self._queue.wait()
                await slots.acquire()
                waiting = self._queue.pop()
                work = self._decide(waiting) if waiting else None
                if waiting is None or work is None:
                    slots.release()
                else:
                    group.create_task(self._write(waiting, work)).add_done_callback(lambda _: slots.release())

    def _decide(self, waiting: Waiting) -> Awaitable[None] | None:
        """Return the writes that follow from the decision on a pod; None when there are none, or it stumbled."""
        try:
            return self._step(waiting)
        except Exception as error:  # noqa: BLE001 - one pod must not end the work on the others
            self._stumbled(waiting, error)
            return None

    async def _write(self, waiting: Waiting, work: Awaitable[None]) -> None:
        try:
            await work
        except (Exception, asyncio.CancelledError) as error:  # one pod must not end the work on the others
            if told_to_end():
                raise
            self._stumbled(waiting, error)
        else:
            self._stumbles.succeeded(waiting.pod.uid)

    def _stumbled(self, waiting: Waiting, error: BaseException) -> None:
        """Whatever went wrong, the pod's turn comes again."""
        self._stumbles.failed(waiting.pod.uid, error)
        if waiting.state == "gone":  # it has a node, or is no more: nobody will try it again
            self._stumbles.succeeded(waiting.pod.uid)
        self._snapshot.forget(waiting.pod.uid)
        self._queue.retry(waiting)

    def _step(self, waiting: Waiting) -> Awaitable[None] | None:
        """Decide on one pod now; return the writes that follow, if any."""
        pod = waiting.pod
        with duration.time():
            decision = decide(pod, self._snapshot, self._random)
        pending.set(len(self._queue))
        if isinstance(decision, Chosen):
            if choices := self._volumes(pod, decision.node):
                self._queue.refuse(waiting, frozenset({volumebinding.FILTER.name}))
                return self._outcome.choose_volumes(waiting, choices, decision.node)
            self._snapshot.assume(pod, decision.node)
            return self._outcome.bind(waiting, decision.node)
        self._queue.refuse(waiting, decision.refused_by)
        if not decision.refused_by:  # there are no nodes
            return self._outcome.explain(pod, decision.message)
        preemption = preempt(pod, decision, self._snapshot, self._random)
        if isinstance(preemption, str):
            keeps = preemption == TERMINATING
            return self._outcome.explain(pod, f"{decision.message} preemption: {preemption}", keeps=keeps)
        rivals = [r for r in self._snapshot.nominated(preemption.node) if r.priority < pod.priority]
        self._snapshot.nominate(pod, preemption.node)
        return self._outcome.preempt(pod, decision.message, preemption, rivals)

    def _volumes(self, pod: Pod, node: str) -> list[Choice]:
        """Return what the pod's claims get there; until they have it, the pod has no node: it is tried again then."""
        claims = self._snapshot.claims
        return claims.choices(claims.unbound(pod.obj), self._snapshot.nodes[node].object) or []

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._snapshot.set_node(new)
        elif old is not None:
            self._snapshot.remove_node(old["metadata"]["name"])
        for event in node_events(old, new):
            self._queue.happened(event)

    def _namespace_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._snapshot.namespaces[new["metadata"]["name"]] = new
        elif old is not None:
            self._snapshot.namespaces.pop(old["metadata"]["name"], None)

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        claims = self._snapshot.claims.claims
        if new is not None:
            claims[metadata.key(new)] = new
        elif old is not None:
            claims.pop(metadata.key(old), None)
        self._queue.happened(Event.CLAIM)

    def _budget_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._snapshot.budgets[metadata.key(new)] = new
        elif old is not None:
            self._snapshot.budgets.pop(metadata.key(old), None)

    def _volume_changed(self, old: Object | None, new: Object | None) -> None:
        self._snapshot.claims.set_volume(old, new)
        self._queue.happened(Event.VOLUME)

    def _class_changed(self, old: Object | None, new: Object | None) -> None:
        classes = self._snapshot.claims.classes
        if new is not None:
            classes[new["metadata"]["name"]] = new
        elif old is not None:
            classes.pop(old["metadata"]["name"], None)
        self._queue.happened(Event.STORAGE_CLASS)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and new is not None and old["metadata"]["uid"] != new["metadata"]["uid"]:
            self._pod_changed(old, None)  # deleted and made again while we were not looking
            old = None
        before = old if old is not None and _occupies(old) else None
        after = new if new is not None and _occupies(new) else None
        if after is not None:
            self._dequeue(after["metadata"]["uid"])
            self._snapshot.set_pod(Pod(after))
        elif new is not None and self._is_mine(new):
            if not self._snapshot.holds(new["metadata"]["uid"]):
                pod = Pod(new)
                self._queue.put(pod)
                self._snapshot.nominate(pod, pod.nominated_node)
        else:
            self._forget(old or new)
        if before is not None or after is not None:
            for event in pod_events(before, after):
                self._queue.happened(event)

    def _forget(self, pod: Object | None) -> None:
        if pod is not None:
            self._dequeue(pod["metadata"]["uid"])
            self._snapshot.remove_pod(pod["metadata"]["uid"])

    def _dequeue(self, uid: str) -> None:
        self._queue.remove(uid)
        self._snapshot.denominate(uid)
        self._stumbles.succeeded(uid)

    def _is_mine(self, pod: Object) -> bool:
        """Return whether the pod waits for us: gates hold it back (the API server says so in its conditions)."""
        spec = pod["spec"]
        return (
            not node_of(pod)
            and not metadata.is_being_deleted(pod)
            and not spec.get("schedulingGates")
            and (spec.get("schedulerName") or "default-scheduler") == self._config.name
            and not has_ended(pod)
        )


def _occupies(pod: Object) -> bool:
    """Return whether the pod takes room on a node."""
    return bool(node_of(pod)) and not has_ended(pod)
