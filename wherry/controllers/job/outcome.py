"""Pure: whether a Job has reached its end, and which.

Source: upstream pkg/controller/job/job_controller.go (syncJob), success_policy.go (KEP-3998).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wherry.controllers.job.census import Census
from wherry.controllers.job.failurepolicy import verdict
from wherry.controllers.job.indexes import Indexes
from wherry.controllers.job.podofjob import has_failed
from wherry.objects import Object, indexes, metadata
from wherry.objects.meaning.pods import phase
from wherry.objects.timestamps import parse

FINAL = {"SuccessCriteriaMet": "Complete", "FailureTarget": "Failed"}
"""The condition a Job ends with, by the one it has until its last pod is gone."""


class Outcome(NamedTuple):
    """`type` is the interim condition (a key of `FINAL`)."""

    type: str
    reason: str
    message: str


def decided(job: Object) -> Outcome | None:
    """Return the outcome that was written down before."""
    for type in FINAL:
        if metadata.is_true(job, type):
            found = metadata.condition(job, type) or {}
            return Outcome(type, found.get("reason", ""), found.get("message", ""))
    return None


def ahead_of_completion(
    job: Object, pods: Sequence[Object], census: Census, found: Indexes, started: float | None, now: float
) -> Outcome | None:
    """Return the outcome that ends a Job whatever still runs of it; `started` is when it became active."""
    return (
        _failed_by_policy(job, pods)
        or _failed_too_often(job, pods, census)
        or _overdue(job, started, now)
        or _indexes_failed(job, found)
        or _succeeded_by_policy(job, found)
    )


def _failure(reason: str, message: str) -> Outcome:
    return Outcome("FailureTarget", reason, message)


def _failed_by_policy(job: Object, pods: Sequence[Object]) -> Outcome | None:
    if job["spec"].get("podFailurePolicy") is None:
        return None
    verdicts = (verdict(job, p) for p in pods if has_failed(job, p))
    return next((_failure("PodFailurePolicy", v.why) for v in verdicts if v.action == "FailJob"), None)


def _failed_too_often(job: Object, pods: Sequence[Object], census: Census) -> Outcome | None:
    limit = job["spec"].get("backoffLimit", 6)
    if census.all_failed > limit or _restarted_too_often(job, pods, limit):
        return _failure("BackoffLimitExceeded", "Job has reached the specified backoff limit")
    return None


def _restarted_too_often(job: Object, pods: Sequence[Object], limit: int) -> bool:
    """Pods that are restarted in place do not fail: their restarts count."""
    if job["spec"]["template"]["spec"].get("restartPolicy") != "OnFailure":
        return False
    running = [p["status"] for p in pods if phase(p) in ("Running", "Pending")]
    keys = ("initContainerStatuses", "containerStatuses")
    restarts = sum(c.get("restartCount", 0) for status in running for key in keys for c in status.get(key) or ())
    return bool(restarts) and bool(restarts >= limit)


def overdue_in(job: Object, started: float | None, now: float) -> float | None:
    """Return in how many seconds an active Job's deadline passes, None when it has none."""
    seconds = job["spec"].get("activeDeadlineSeconds")
    if seconds is None or started is None or job["spec"].get("suspend"):
        return None
    return started + float(seconds) - now


def _overdue(job: Object, started: float | None, now: float) -> Outcome | None:
    left = overdue_in(job, started, now)
    if left is None or left > 0:
        return None
    return _failure("DeadlineExceeded", "Job was active longer than specified deadline")


def _indexes_failed(job: Object, found: Indexes) -> Outcome | None:
    spec = job["spec"]
    most = spec.get("maxFailedIndexes")
    if most is not None and len(found.failed) > most:
        text = "Job has exceeded the specified maximal number of failed indexes"
        return _failure("MaxFailedIndexesExceeded", text)
    if found.failed and len(found.failed | found.done) >= (spec.get("completions") or 0):
        return _failure("FailedIndexes", "Job has failed indexes")
    return None


def _succeeded_by_policy(job: Object, found: Indexes) -> Outcome | None:
    policy = job["spec"].get("successPolicy") or {}
    for number, rule in enumerate(policy.get("rules") or ()):
        text, count = rule.get("succeededIndexes"), rule.get("succeededCount")
        listed = found.done if text is None else found.done & indexes.parse(text)
        wanted = count if count is not None else len(indexes.parse(text or ""))
        if len(listed) >= wanted:
            return Outcome("SuccessCriteriaMet", "SuccessPolicy", f"Matched rules at index {number}")
    return None


def completed(job: Object, census: Census, active: int) -> Outcome | None:
    """Return success when enough pods have succeeded and none is `active`."""
    wanted = job["spec"].get("completions")
    enough = census.all_succeeded > 0 if wanted is None else census.all_succeeded >= wanted
    if not enough or active:
        return None
    return Outcome("SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods")


def started_at(job: Object) -> float | None:
    """Return since when a Job is active."""
    at = (job.get("status") or {}).get("startTime")
    return parse(at) if at else None
