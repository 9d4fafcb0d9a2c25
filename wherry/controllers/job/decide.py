"""Pure: one step of a Job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from wherry.component.events import Notice
from wherry.controllers.job import census as censuses
from wherry.controllers.job import indexes, outcome
from wherry.controllers.job.census import Census
from wherry.controllers.job.staffing import Staffing, staff
from wherry.controllers.job.status import conclude, counted, suspension
from wherry.objects import Object, metadata


@dataclass
class Step:
    """What to do, in this order.

    `dismiss` are pods too many, which do not count: their finalizer goes first. `delete` are what still runs of a Job
    that has ended, and `create` new pods. Then the status is written, and then `free` pods lose their finalizer.
    """

    status: Object
    create: Sequence[Object] = ()
    dismiss: Sequence[Object] = ()
    delete: Sequence[Object] = ()
    free: Sequence[Object] = ()
    look_again: float | None = None
    notices: list[Notice] = field(default_factory=list)


def decide(job: Object, pods: Sequence[Object], now: float, settled: bool) -> Step:
    """Return the next step of a Job that has not ended for good; `settled`: the pods are all there are."""
    found = indexes.read(job, pods)
    census = censuses.take(job, pods, found)
    started = outcome.started_at(job)
    end = outcome.decided(job) or outcome.ahead_of_completion(job, pods, census, found, started, now)
    if end is None:
        return _carry_on(job, pods, census, found, now, settled)
    censuses.note_ends(job, pods, found, census, end.type)
    status = counted(job, census, found)
    left = census.active or census.terminating or census.free or status["uncountedTerminatedPods"]
    over = settled and not left
    notices = conclude(status, end, over, now)
    return Step(status, delete=census.active if settled else (), free=census.free, notices=notices)


def _carry_on(
    job: Object, pods: Sequence[Object], census: Census, found: indexes.Indexes, now: float, settled: bool
) -> Step:
    managed = settled and not metadata.is_being_deleted(job)
    wanted = staff(job, pods, census, found, now) if managed else Staffing()
    status = counted(job, census, found)
    step = Step(status, wanted.create, wanted.delete, free=census.free, look_again=wanted.pause)
    end = outcome.completed(job, census, len(census.active) + len(wanted.create))
    if end is not None:
        left = census.terminating or census.free or status["uncountedTerminatedPods"]
        step.notices = conclude(status, end, settled and not left, now)
    elif managed:
        step.notices = suspension(job, status, now)
        due = outcome.overdue_in(job, outcome.started_at({"status": status}), now)
        step.look_again = min((t for t in (step.look_again, due) if t is not None), default=None)
    return step
