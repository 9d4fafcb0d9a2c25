"""Pure: which pods a Job lacks or has too many, and how long it waits after failures.

Source: upstream pkg/controller/job/job_controller.go (manageJob), backoff_utils.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from wherry.controllers.job.census import Census
from wherry.controllers.job.indexes import Indexes, pending
from wherry.controllers.job.podofjob import ended_at, has_failed, index_of, new_pod, replaces_ended_only
from wherry.controllers.pods import deletion_order
from wherry.objects import Object, metadata
from wherry.objects.meaning.jobs import is_indexed
from wherry.objects.meaning.pods import has_ended, phase

BURST = 500
"""The most pods created or deleted for one Job at a time."""
FIRST_PAUSE_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 600.0


class Staffing(NamedTuple):
    """Pods to create, pods to delete, and in how many seconds a pause after failures is over (None: there is none)."""

    create: Sequence[Object] = ()
    delete: Sequence[Object] = ()
    pause: float | None = None


def staff(job: Object, pods: Sequence[Object], census: Census, found: Indexes, now: float) -> Staffing:
    """Return the difference between the pods that run and those that should."""
    if job["spec"].get("suspend"):
        return Staffing(delete=census.active[:BURST])
    wanted = _wanted(job, census)
    if surplus := _surplus(job, census.active, len(census.active) - wanted, now):
        return Staffing(delete=surplus[:BURST])
    missing = wanted - len(census.active)
    if replaces_ended_only(job):
        missing -= census.terminating
    return _hire(job, pods, found, min(missing, BURST), now) if missing > 0 else Staffing()


def _wanted(job: Object, census: Census) -> int:
    spec = job["spec"]
    parallel, completions = int(spec.get("parallelism", 1)), spec.get("completions")
    if completions is None:
        return len(census.active) if census.all_succeeded else parallel
    return max(0, min(parallel, int(completions) - census.all_succeeded))


def _surplus(job: Object, active: Sequence[Object], count: int, now: float) -> list[Object]:
    """Return the pods to delete: those that work on what another does, or nobody asks for, and `count` in all."""
    idle = _idle(job, active) if is_indexed(job["spec"]) else []
    rest = [p for p in active if p not in idle]
    return idle + deletion_order(rest, {}, now)[: max(0, count - len(idle))]


def _idle(job: Object, active: Sequence[Object]) -> list[Object]:
    taken: set[int] = set()
    found = []
    for pod in sorted(active, key=lambda p: (phase(p) != "Running", p["metadata"].get("creationTimestamp", ""))):
        index = index_of(pod)
        if index is None or index >= job["spec"]["completions"] or index in taken:
            found.append(pod)
        else:
            taken.add(index)
    return found


def _hire(job: Object, pods: Sequence[Object], found: Indexes, count: int, now: float) -> Staffing:
    if not is_indexed(job["spec"]):
        if (left := pause_left(job, pods, now)) > 0:
            return Staffing(pause=left)
        return Staffing(create=[new_pod(job, None, 0)] * count)
    open = [p for p in pods if _works(job, p)]
    free = pending(job, found, {index_of(p) for p in open}, count)
    if job["spec"].get("backoffLimitPerIndex") is None:
        if free and (left := pause_left(job, pods, now)) > 0:
            return Staffing(pause=left)
        return Staffing(create=[new_pod(job, i, 0) for i in free])
    by_index: dict[int | None, list[Object]] = {}
    for pod in pods:
        by_index.setdefault(index_of(pod), []).append(pod)
    left_of = {i: pause_left(job, by_index.get(i, ()), now) for i in free}
    ready = [new_pod(job, i, found.failures.get(i, 0)) for i in free if left_of[i] <= 0]
    return Staffing(create=ready, pause=min((left for left in left_of.values() if left > 0), default=None))


def _works(job: Object, pod: Object) -> bool:
    """Return whether a pod holds its index: a deleted one only where that is waited for."""
    if has_ended(pod):
        return False
    return not metadata.is_being_deleted(pod) or replaces_ended_only(job)


def pause_left(job: Object, pods: Iterable[Object], now: float) -> float:
    """Return for how many seconds no pod is made: twice as long with each failure since the last success."""
    failed, succeeded = [], 0.0
    for pod in pods:
        if has_failed(job, pod):
            failed.append(ended_at(pod))
        elif phase(pod) == "Succeeded":
            succeeded = max(succeeded, ended_at(pod))
    since = [at for at in failed if at > succeeded]
    if not since:
        return 0.0
    pause = FIRST_PAUSE_SECONDS * 2.0 ** min(len(since) - 1, 10)
    return max(since) + min(pause, LONGEST_PAUSE_SECONDS) - now
