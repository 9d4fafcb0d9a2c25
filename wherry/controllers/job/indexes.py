"""Pure: the indexes of an indexed Job: done, failed, next.

Source: upstream pkg/controller/job/indexed_job_utils.go, backoff_utils.go (KEP-3850).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import chain, islice
from typing import NamedTuple

from wherry.controllers.job.failurepolicy import verdict
from wherry.controllers.job.podofjob import failures_before, has_failed, index_of, is_tracked
from wherry.objects import Object, indexes
from wherry.objects.indexes import IndexSet
from wherry.objects.meaning.jobs import is_indexed
from wherry.objects.meaning.pods import phase


class Indexes(NamedTuple):
    """`done` and `failed` indexes; `failures` so far, by index; the uids of pods that are `kept` to remember those."""

    done: IndexSet
    failed: IndexSet
    failures: dict[int, int]
    kept: set[str]


NONE = Indexes(IndexSet(), IndexSet(), {}, set())


def read(job: Object, pods: Sequence[Object]) -> Indexes:
    """Return what status and pods say of a Job's indexes; nothing where it has none."""
    if not is_indexed(job["spec"]):
        return NONE
    status, count = job.get("status") or {}, job["spec"].get("completions") or 0
    done = _listed(status.get("completedIndexes"), count)
    done |= IndexSet.of(
        i for p in pods if is_tracked(p) and phase(p) == "Succeeded" and (i := index_of(p)) is not None and i < count
    )
    limit = job["spec"].get("backoffLimitPerIndex")
    if limit is None:
        return Indexes(done, IndexSet(), {}, set())
    by_index = _failed_by_index(job, pods, count)
    failures = {i: max(_failures(job, p) for p in found) for i, found in by_index.items()}
    failed = _listed(status.get("failedIndexes"), count)
    failed |= IndexSet.of(i for i, n in failures.items() if n > limit)
    told = (i for i, found in by_index.items() if any(verdict(job, p).action == "FailIndex" for p in found))
    failed = (failed | IndexSet.of(told)) - done
    return Indexes(done, failed, failures, _kept(job, pods, by_index, done | failed))


def _listed(text: str | None, count: int) -> IndexSet:
    """Return the indexes below `count` in a text."""
    try:
        return indexes.parse(text or "") & IndexSet([range(count)])
    except ValueError:
        return IndexSet()  # nobody's writing; what the pods say is counted anew


def _failed_by_index(job: Object, pods: Sequence[Object], count: int) -> dict[int, list[Object]]:
    found: dict[int, list[Object]] = {}
    for pod in pods:
        index = index_of(pod)
        if index is not None and index < count and has_failed(job, pod):
            found.setdefault(index, []).append(pod)
    return found


def _failures(job: Object, pod: Object) -> int:
    return failures_before(pod) + (verdict(job, pod).action != "Ignore")


def _kept(job: Object, pods: Sequence[Object], failed: dict[int, list[Object]], over: IndexSet) -> set[str]:
    """A failed pod stays until another has taken its index, and with it the number of failures."""
    replaced = {index_of(p) for p in pods if not has_failed(job, p)}
    open = (found for i, found in failed.items() if i not in over and i not in replaced)
    newest = (max(found, key=lambda p: _failures(job, p)) for found in open)
    return {p["metadata"]["uid"] for p in newest}


def pending(job: Object, found: Indexes, taken: Collection[int | None], count: int) -> list[int]:
    """Return the `count` lowest indexes that nobody works on and that need work."""
    open = (found.done | found.failed).gaps(job["spec"].get("completions") or 0)
    return list(islice((i for i in chain.from_iterable(open) if i not in taken), count))
