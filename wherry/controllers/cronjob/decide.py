"""Pure: one step of a CronJob.

Source: upstream pkg/controller/cronjob/cronjob_controllerv2.go (syncCronJob), utils.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from wherry.component.events import Notice
from wherry.controllers.cronjob.timetable import MANY, due
from wherry.objects import Object, metadata, schedules
from wherry.objects.meaning.jobs import end_of
from wherry.objects.meaning.wellknown import SCHEDULED_AT
from wherry.objects.metadata import copy, owner_reference
from wherry.objects.resource import JOBS
from wherry.objects.timestamps import parse, rfc3339


@dataclass
class Step:
    """Jobs to delete, then a Job to create; `status` as it is before that, and in how many seconds to look again."""

    status: Object
    delete: list[Object] = field(default_factory=list)
    create: Object | None = None
    scheduled: float = 0.0
    look_again: float | None = None
    notices: list[Notice] = field(default_factory=list)


def decide(cron_job: Object, jobs: Sequence[Object], now: float) -> Step:
    """Return the next step; `jobs` are the CronJob's own."""
    running = [j for j in jobs if not finished(j)]
    step = Step(_status(cron_job, jobs, running), delete=superfluous(cron_job, jobs))
    step.notices += _endings(cron_job, jobs)
    if metadata.is_being_deleted(cron_job) or cron_job["spec"].get("suspend"):
        return step
    try:
        _schedule(cron_job, jobs, running, now, step)
    except ValueError as error:
        reason = "UnknownTimeZone" if "time zone" in str(error) else "UnparseableSchedule"
        text = f"invalid schedule: {cron_job['spec']['schedule']}: {error}"
        step.notices.append(Notice("Warning", reason, text))
    return step


def finished(job: Object) -> str:
    """Return how a Job has ended (Complete, Failed), "" while it runs."""
    end = end_of(job)
    return str(end["type"]) if end else ""


def _schedule(cron_job: Object, jobs: Sequence[Object], running: Sequence[Object], now: float, step: Step) -> None:
    spec = cron_job["spec"]
    times = due(cron_job, now)
    step.look_again = None if times.next is None else max(times.next - now, 0.0) + 0.1
    if times.many > MANY:
        text = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
        step.notices.append(Notice("Warning", "TooManyMissedTimes", text))
    if times.latest is None:
        return
    deadline = spec.get("startingDeadlineSeconds")
    if deadline is not None and times.latest + deadline < now:
        text = f"Missed scheduled time to start a job: {rfc3339(times.latest)}"
        step.notices.append(Notice("Warning", "MissSchedule", text))
        return
    made = new_job(cron_job, times.latest)
    if any(j["metadata"]["name"] == made["metadata"]["name"] for j in jobs):
        return
    if running and spec.get("concurrencyPolicy") == "Forbid":
        text = "Not starting job because prior execution is running and concurrency policy is Forbid"
        step.notices.append(Notice("Normal", "JobAlreadyActive", text))
        return
    if spec.get("concurrencyPolicy") == "Replace":
        step.delete += running
    step.create, step.scheduled = made, times.latest


def new_job(cron_job: Object, at: float) -> Object:
    """Return the Job for the time `at` (seconds since the epoch): its name tells the minute, so that there is one."""
    template, meta = cron_job["spec"]["jobTemplate"], cron_job["metadata"]
    given = template.get("metadata") or {}
    zone = schedules.zone(cron_job["spec"].get("timeZone"))
    annotations = {**(given.get("annotations") or {}), SCHEDULED_AT: schedules.rfc3339_in(zone, at)}
    made: Object = {
        "name": f"{meta['name']}-{int(at) // 60}",
        "namespace": meta["namespace"],
        "annotations": annotations,
        "ownerReferences": [owner_reference(cron_job)],
    }
    if given.get("labels"):
        made["labels"] = dict(given["labels"])
    head = {"apiVersion": JOBS.api_version, "kind": JOBS.kind}
    return {**head, "metadata": made, "spec": copy(template["spec"])}


def superfluous(cron_job: Object, jobs: Sequence[Object]) -> list[Object]:
    """Return the finished Jobs beyond the limits of history, the oldest first."""
    found: list[Object] = []
    for how, key in (("Complete", "successfulJobsHistoryLimit"), ("Failed", "failedJobsHistoryLimit")):
        limit = cron_job["spec"].get(key)
        ended = sorted((j for j in jobs if finished(j) == how and not metadata.is_being_deleted(j)), key=_started)
        if limit is not None:
            found += ended[: max(0, len(ended) - limit)]
    return found


def _started(job: Object) -> tuple[str, str]:
    return (job.get("status") or {}).get("startTime") or "", job["metadata"]["name"]


def reference(job: Object) -> Object:
    """Return how a CronJob's status names a Job."""
    meta = job["metadata"]
    found = {"apiVersion": JOBS.api_version, "kind": JOBS.kind, "namespace": meta["namespace"], "name": meta["name"]}
    return found | {key: meta[key] for key in ("uid", "resourceVersion") if key in meta}


def _status(cron_job: Object, jobs: Sequence[Object], running: Sequence[Object]) -> Object:
    status = {k: v for k, v in (cron_job.get("status") or {}).items() if k != "active"}
    known = {r.get("uid"): r for r in (cron_job.get("status") or {}).get("active") or ()}
    if running:
        status["active"] = [known.get(j["metadata"]["uid"]) or reference(j) for j in sorted(running, key=_started)]
    ends = [t for j in jobs if finished(j) == "Complete" and (t := j["status"].get("completionTime"))]
    if ends and (last := max(ends, key=parse)) > status.get("lastSuccessfulTime", ""):
        status["lastSuccessfulTime"] = last
    return status


def _endings(cron_job: Object, jobs: Sequence[Object]) -> list[Notice]:
    """Tell of the Jobs that were running when the status was last written."""
    by_uid = {j["metadata"]["uid"]: j for j in jobs}
    notices = []
    for entry in (cron_job.get("status") or {}).get("active") or ():
        job = by_uid.get(entry.get("uid"))
        if job is None:
            notices.append(Notice("Normal", "MissingJob", f"Active job went missing: {entry.get('name')}"))
        elif how := finished(job):
            text = f"Saw completed job: {entry.get('name')}, condition: {how}"
            notices.append(Notice("Normal", "SawCompletedJob", text))
    return notices
