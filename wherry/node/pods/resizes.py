"""The resizes that pods of the node wait for: given in turn when there is room.

Here a node's room is divided: from the look at the others to the allocation nothing waits.
Source: kubernetes pkg/kubelet/allocation/allocation_manager.go (retryPendingResizes, sortPendingResizes).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from wherry.node.pods.plan import allocation
from wherry.node.pods.worker import PodWorker
from wherry.objects import Object
from wherry.objects.meaning.pods import has_ended
from wherry.objects.meaning.requests import requests
from wherry.objects.meaning.wellknown import RESIZE_INFEASIBLE


class Resizes:
    """`workers` by uid; `others(uid)`: the node's pods but that one, with what is allocated to them."""

    def __init__(
        self,
        allocatable: Mapping[str, int],
        workers: Mapping[str, PodWorker],
        others: Callable[[str], Iterable[Object]],
    ):
        self._allocatable = allocatable
        self._workers = workers
        self._others = others
        self._waiting: set[str] = set()

    def changed(self, uid: str) -> None:
        """Take note of a pod that is new, or of a new version, or gone: it may want something, or have made room."""
        worker = self._workers.get(uid)
        if worker is not None and worker.wants_resize:
            self._waiting.add(uid)
        if self._waiting:
            self._go_round()

    def _go_round(self) -> None:
        """Give each that waits what it wants, or tell it why not; what can never be does not wait."""
        found = [worker for uid in self._waiting if (worker := self._workers.get(uid)) and worker.wants_resize]
        for worker in sorted(found, key=lambda w: allocation.turn(w.pod, w.state.allocated, w.state.pending)):
            taken = [requests(pod) for pod in self._others(worker.uid) if not has_ended(pod)]
            why = allocation.refusal(worker.pod, worker.state.allocated, taken, self._allocatable)
            if why is None:
                worker.allocate()
            else:
                worker.postpone(*why)
        self._waiting = {worker.uid for worker in found if worker.wants_resize and not _never(worker)}


def _never(worker: PodWorker) -> bool:
    return worker.state.pending is not None and worker.state.pending.reason == RESIZE_INFEASIBLE
