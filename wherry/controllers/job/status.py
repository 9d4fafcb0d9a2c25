"""Pure: a Job's status."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.component.events import Notice
from wherry.controllers.job.census import Census
from wherry.controllers.job.indexes import Indexes
from wherry.controllers.job.outcome import FINAL, Outcome
from wherry.objects import Object, indexes, metadata
from wherry.objects.meaning.jobs import is_indexed
from wherry.objects.metadata import set_condition
from wherry.objects.timestamps import rfc3339


def counted(job: Object, census: Census, found: Indexes) -> Object:
    """Return the status with the numbers of a census, and no other change."""
    status = {k: v for k, v in (job.get("status") or {}).items() if k not in ("active", "succeeded", "failed")}
    numbers = {"active": len(census.active), "succeeded": census.succeeded, "failed": census.failed}
    status |= {key: number for key, number in numbers.items() if number}
    status |= {"ready": census.ready, "terminating": census.terminating}
    waiting = {"succeeded": census.waiting_succeeded, "failed": census.waiting_failed}
    status["uncountedTerminatedPods"] = {key: list(uids) for key, uids in waiting.items() if uids}
    if is_indexed(job["spec"]) and (text := indexes.text(found.done)):
        status["completedIndexes"] = text
    if job["spec"].get("backoffLimitPerIndex") is not None:
        status["failedIndexes"] = indexes.text(found.failed)
    return status


def suspension(job: Object, status: Object, now: float) -> list[Notice]:
    """Note in the status, in place, whether a Job is suspended, and when it became active; return what to tell."""
    suspended, before = bool(job["spec"].get("suspend")), metadata.condition(job, "Suspended")
    if not suspended and not status.get("startTime"):
        status["startTime"] = rfc3339(now)
    if suspended == (before is not None and before.get("status") == "True"):
        return []
    reason, word = ("JobSuspended", "Suspended") if suspended else ("JobResumed", "Resumed")
    text, value = f"Job {word.lower()}", str(suspended)
    status["conditions"] = set_condition(status.get("conditions"), "Suspended", value, reason, text, rfc3339(now))
    if suspended:
        status.pop("startTime", None)
    else:
        status["startTime"] = rfc3339(now)
    return [Notice("Normal", word, text)]


def conclude(status: Object, outcome: Outcome, over: bool, now: float) -> list[Notice]:
    """Note an outcome in the status, in place, for good when it is `over`; return what to tell."""
    conditions: Sequence[Object] = status.get("conditions") or ()
    moment = rfc3339(now)
    status.setdefault("startTime", moment)
    named = [outcome.type, *([FINAL[outcome.type]] if over else [])]
    for type in named:
        conditions = set_condition(conditions, type, "True", outcome.reason, outcome.message, moment)
    status["conditions"] = conditions
    if not over:
        return []
    if FINAL[outcome.type] == "Failed":
        return [Notice("Warning", outcome.reason, outcome.message)]
    status["completionTime"] = moment
    return [Notice("Normal", "Completed", "Job completed")]
