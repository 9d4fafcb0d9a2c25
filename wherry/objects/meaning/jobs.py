"""What a Job says: whether it has ended, and how it counts. Source: k8s.io/api batch/v1 types.go (Job)."""

from __future__ import annotations

from wherry.objects import Object, metadata

ENDS = ("Complete", "Failed")
"""The conditions that a Job has ended for good with."""


def end_of(job: Object) -> Object | None:
    """Return the condition that a Job has ended with, None while it has not."""
    return next((metadata.condition(job, type) for type in ENDS if metadata.is_true(job, type)), None)


def is_indexed(spec: Object) -> bool:
    """Return whether each completion of a Job with this spec has an index."""
    return bool(spec.get("completionMode") == "Indexed")
