"""The pods that wait for a node: by priority when they may be tried, aside while trying would be useless.

    active          to be tried now, highest priority first, then first come
    backing off     tried in vain, something changed since, but too soon to try again
    unschedulable   tried in vain, and nothing that could help has changed

Source of the design: upstream pkg/scheduler/backend/queue. Times are the event loop's seconds.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from wherry.scheduler.config import SchedulerConfig
from wherry.scheduler.plugin import Event
from wherry.scheduler.pod import Pod
from wherry.scheduler.profile import FILTERS

_HELPED_BY = {f.name: f.helped_by for f in FILTERS}


@dataclass(eq=False)
class Waiting:
    """A pod in the queue: tries in vain, when it may be tried again, when it will be, and who refused it."""

    pod: Pod
    arrival: int
    attempts: int = 0
    not_before: float = 0.0
    due: float = 0.0
    refused_by: frozenset[str] = frozenset()
    state: str = "active"


class Queue:
    """Pods waiting for a node, each once. `clock` gives seconds."""

    def __init__(self, config: SchedulerConfig, clock: Callable[[], float]):
        self._config = config
        self._clock = clock
        self._waiting: dict[str, Waiting] = {}
        self._unschedulable: dict[str, Waiting] = {}
        self._active: list[tuple[int, int, Waiting]] = []
        self._later: list[tuple[float, int, Waiting]] = []
        self._arrivals = count()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, pod: Pod) -> None:
        """Add a pod, or take its new version; a pod whose needs changed is tried again at once."""
        _ = pod.uid, pod.priority  # read before anything is noted: a pod that cannot be read must not wait by half
        waiting = self._waiting.get(pod.uid)
        if waiting is None:
            waiting = self._waiting[pod.uid] = Waiting(pod, next(self._arrivals))
            self._activate(waiting)
            return
        changed = pod.spec != waiting.pod.spec or pod.labels != waiting.pod.labels
        waiting.pod = pod
        if changed and waiting.state in ("backing off", "unschedulable"):
            self._activate(waiting)

    def remove(self, uid: str) -> None:
        """Forget a pod: it has a node, or is gone."""
        waiting = self._waiting.pop(uid, None)
        if waiting is not None:
            self._move(waiting, "gone")

    def pop(self) -> Waiting | None:
        """Return the next pod to try, or None; it stays known until `remove` or `refuse`."""
        self._wake_due()
        while self._active:
            waiting = heapq.heappop(self._active)[2]
            if waiting.state == "active":
                self._move(waiting, "tried")
                return waiting
        return None

    async def wait(self) -> None:
        """Return when `pop` may have something."""
        self._changed.clear()
        while not self._active:
            due = self._next_due()
            timeout = None if due is None else max(0.0, due - self._clock())
            try:
                async with asyncio.timeout(timeout):
                    await self._changed.wait()
            except TimeoutError:
                pass
            self._changed.clear()
            self._wake_due()

    def refuse(self, waiting: Waiting, refused_by: frozenset[str]) -> None:
        """Put a pod that found no node aside, until an event helps one of the filters that refused it."""
        waiting.refused_by = refused_by
        self._set_back(waiting, "unschedulable", self._config.retry_all)

    def retry(self, waiting: Waiting) -> None:
        """Put a pod back whose binding failed: it is tried again after its pause."""
        if waiting.state != "gone":
            self._set_back(waiting, "backing off", 0.0)

    def take_back(self) -> None:
        """Put the pods back that were being tried: nobody does any more."""
        for waiting in list(self._waiting.values()):
            if waiting.state == "tried":
                self.retry(waiting)

    def happened(self, event: Event) -> None:
        """Give the pods that `event` may help another chance, those still in their pause after it."""
        for waiting in [w for w in self._unschedulable.values() if _helps(event, w.refused_by)]:
            self._move(waiting, "backing off")
            self._call_at(waiting.not_before, waiting)

    def _set_back(self, waiting: Waiting, state: str, further: float) -> None:
        pause = min(self._config.first_backoff * 2.0 ** min(waiting.attempts, 30), self._config.longest_backoff)
        waiting.attempts += 1
        waiting.not_before = self._clock() + pause
        self._move(waiting, state)
        self._call_at(waiting.not_before + further, waiting)

    def _move(self, waiting: Waiting, state: str) -> None:
        waiting.state = state
        if state == "unschedulable":
            self._unschedulable[waiting.pod.uid] = waiting
        else:
            self._unschedulable.pop(waiting.pod.uid, None)

    def _activate(self, waiting: Waiting) -> None:
        self._move(waiting, "active")
        heapq.heappush(self._active, (-waiting.pod.priority, waiting.arrival, waiting))
        self._changed.set()

    def _call_at(self, due: float, waiting: Waiting) -> None:
        waiting.due = due
        heapq.heappush(self._later, (due, waiting.arrival, waiting))
        self._changed.set()

    def _wake_due(self) -> None:
        while (due := self._next_due()) is not None and due <= self._clock():
            self._activate(heapq.heappop(self._later)[2])

    def _next_due(self) -> float | None:
        """Return when the first pod is due; entries a later move has overtaken are dropped on the way."""
        while self._later:
            due, _, waiting = self._later[0]
            if waiting.due == due and waiting.state in ("backing off", "unschedulable"):
                return due
            heapq.heappop(self._later)
        return None


def _helps(event: Event, refused_by: frozenset[str]) -> bool:
    if not refused_by:  # there were no nodes at all
        return event is Event.NODE_ADDED
    return any(event in _HELPED_BY[name] for name in refused_by)
