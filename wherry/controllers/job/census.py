"""Pure: the pods of a Job, counted.

Source: upstream pkg/controller/job/job_controller.go (trackJobStatusAndRemoveFinalizers; KEP-2307).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wherry.controllers.job.failurepolicy import verdict
from wherry.controllers.job.indexes import Indexes
from wherry.controllers.job.podofjob import has_failed, index_of, is_tracked
from wherry.objects import Object, metadata
from wherry.objects.meaning.jobs import is_indexed
from wherry.objects.meaning.pods import has_ended, is_active, is_ready, phase

MOST = 500
"""Ends that are counted at a time: their uids are in the status meanwhile."""


@dataclass
class Census:
    """`succeeded` and `failed` are counted for good; the ends of the `waiting` (uids) are noted, and count soon.

    `free` are pods that may go once the status says so.
    """

    active: list[Object]
    terminating: int
    ready: int
    succeeded: int
    failed: int
    waiting_succeeded: list[str]
    waiting_failed: list[str]
    free: list[Object]

    @property
    def all_succeeded(self) -> int:
        """How many have succeeded, whether counted for good or not."""
        return self.succeeded + len(self.waiting_succeeded)

    @property
    def all_failed(self) -> int:
        """How many have failed, whether counted for good or not."""
        return self.failed + len(self.waiting_failed)


def take(job: Object, pods: Sequence[Object], found: Indexes) -> Census:
    """Count the pods: those whose finalizer is gone for good, those that have ended since for soon."""
    status = job.get("status") or {}
    uncounted = status.get("uncountedTerminatedPods") or {}
    tracked = {p["metadata"]["uid"] for p in pods if is_tracked(p)}
    waiting = {key: [u for u in uncounted.get(key) or () if u in tracked] for key in ("succeeded", "failed")}
    gone = {key: len(uncounted.get(key) or ()) - len(left) for key, left in waiting.items()}
    active = [p for p in pods if is_active(p)]
    census = Census(
        active=active,
        terminating=sum(metadata.is_being_deleted(p) and not has_ended(p) for p in pods),
        ready=sum(map(is_ready, active)),
        succeeded=len(found.done) if is_indexed(job["spec"]) else (status.get("succeeded") or 0) + gone["succeeded"],
        failed=(status.get("failed") or 0) + gone["failed"],
        waiting_succeeded=waiting["succeeded"],
        waiting_failed=waiting["failed"],
        free=[],
    )
    note_ends(job, pods, found, census)
    return census


def note_ends(job: Object, pods: Sequence[Object], found: Indexes, census: Census, ending: str = "") -> None:
    """Add the ends that are not noted yet; of a Job that is `ending` (its condition's type), every pod's counts."""
    known = {p["metadata"]["uid"] for p in census.free}
    for pod in pods:
        noted = len(census.waiting_succeeded) + len(census.waiting_failed)
        if noted < MOST and is_tracked(pod) and pod["metadata"]["uid"] not in known:
            _note(job, pod, found, census, ending)


def _note(job: Object, pod: Object, found: Indexes, census: Census, ending: str) -> None:
    uid, failed = pod["metadata"]["uid"], has_failed(job, pod)
    over = bool(ending) or metadata.is_being_deleted(job)
    if phase(pod) == "Succeeded":
        census.free.append(pod)
        if not is_indexed(job["spec"]) and uid not in census.waiting_succeeded:
            census.waiting_succeeded.append(uid)
    elif failed and (over or uid not in found.kept):
        census.free.append(pod)
        _count_failed(job, pod, census)
    elif over and (not is_active(pod) or not ending):
        census.free.append(pod)
        if ending == "FailureTarget":
            _count_failed(job, pod, census)


def _count_failed(job: Object, pod: Object, census: Census) -> None:
    index, uid = index_of(pod), pod["metadata"]["uid"]
    if is_indexed(job["spec"]) and (index is None or index >= (job["spec"].get("completions") or 0)):
        return
    if uid not in census.waiting_failed and verdict(job, pod).action != "Ignore":
        census.waiting_failed.append(uid)
