"""The scheduler's loop: watches keep the snapshot and the queue, decisions become bindings, events and conditions."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from random import Random

from wherry.client.interface import Client
from wherry.component.events import EventWriter
from wherry.component.informer import Informer
from wherry.objects import Object, metadata
from wherry.objects.meaning.pods import has_ended, node_of
from wherry.objects.resource import NAMESPACES, NODES, PODS
from wherry.scheduler.changes import node_events, pod_events
from wherry.scheduler.config import SchedulerConfig
from wherry.scheduler.decide import Chosen, decide
from wherry.scheduler.outcome import Outcome
from wherry.scheduler.pod import Pod
from wherry.scheduler.queue import Queue, Waiting
from wherry.scheduler.snapshot import Snapshot
from wherry.telemetry import metrics

log = logging.getLogger(__name__)

CRASH_PAUSE_SECONDS = 1.0

duration = metrics.histogram("scheduler_scheduling_attempt_duration_seconds", "Time to decide on one pod.")
pending = metrics.gauge("scheduler_pending_pods", "Pods waiting for a node.")


async def run(client: Client, config: SchedulerConfig) -> None:
    """Schedule until cancelled. A crash is logged, and everything starts again from the API's state."""
    while True:
        try:
            await Scheduler(client, config).run()
        except Exception:
            log.exception("scheduler crashed, it will be restarted")
            await asyncio.sleep(CRASH_PAUSE_SECONDS)


class Scheduler:
    """One life of the scheduler: its caches, its queue, its bindings under way."""

    def __init__(
        self,
        client: Client,
        config: SchedulerConfig,
        *,
        clock: Callable[[], float] = time.time,
        random: Random | None = None,
    ):
        self._config = config
        self._random = random or Random()
        self._snapshot = Snapshot()
        self._queue = Queue(config, time.monotonic)
        self._events = EventWriter(client, clock=clock)
        self._outcome = Outcome(client, self._snapshot, self._queue, self._events.recorder(config.name), clock)
        self._slots = asyncio.Semaphore(config.bindings)
        self._informers = {r: Informer(client, r) for r in (NODES, NAMESPACES, PODS)}
        self._informers[NODES].subscribe(self._node_changed)
        self._informers[NAMESPACES].subscribe(self._namespace_changed)
        self._informers[PODS].subscribe(self._pod_changed)

    async def run(self) -> None:
        """Schedule until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._events.run())
            for informer in self._informers.values():
                group.create_task(informer.run())
            for informer in self._informers.values():
                await informer.wait_synced()
            log.info("scheduler started name=%s", self._config.name)
            while True:
                await self._queue.wait()
                await self._slots.acquire()
                waiting = self._queue.pop()
                work = self._step(waiting) if waiting else None
                if work is None:
                    self._slots.release()
                else:
                    group.create_task(self._in_slot(work))

    def _step(self, waiting: Waiting) -> Awaitable[None] | None:
        """Decide on one pod now; return the writes that follow, if any."""
        pod = waiting.pod
        with duration.time():
            decision = decide(pod, self._snapshot, self._random)
        pending.set(len(self._queue))
        if isinstance(decision, Chosen):
            self._snapshot.assume(pod, decision.node)
            return self._outcome.bind(waiting, decision.node)
        self._queue.refuse(waiting, decision.refused_by)
        return self._outcome.explain(pod, decision)

    async def _in_slot(self, work: Awaitable[None]) -> None:
        try:
            await work
        finally:
            self._slots.release()

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

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and new is not None and old["metadata"]["uid"] != new["metadata"]["uid"]:
            self._pod_changed(old, None)  # deleted and made again while we were not looking
            old = None
        before = old if old is not None and _occupies(old) else None
        after = new if new is not None and _occupies(new) else None
        if after is not None:
            self._queue.remove(after["metadata"]["uid"])
            self._snapshot.set_pod(Pod(after))
        elif new is not None and self._is_mine(new):
            if not self._snapshot.holds(new["metadata"]["uid"]):
                self._queue.put(Pod(new))
        else:
            self._forget(old or new)
        if before is not None or after is not None:
            for event in pod_events(before, after):
                self._queue.happened(event)

    def _forget(self, pod: Object | None) -> None:
        if pod is not None:
            self._queue.remove(pod["metadata"]["uid"])
            self._snapshot.remove_pod(pod["metadata"]["uid"])

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
