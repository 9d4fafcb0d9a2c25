"""What a Job's status may say, whoever keeps it.

Source: k8s.io/kubernetes pkg/apis/batch/validation/validation.go (validateJobStatus, ValidateJobStatusUpdate).
"""

from __future__ import annotations

from wherry.apiserver.kinds.common import checks
from wherry.objects import Object, fields, indexes, metadata
from wherry.objects.errors import FieldError
from wherry.objects.indexes import IndexSet
from wherry.objects.meaning.jobs import end_of, is_indexed

_PATH = "status.conditions"
_COUNTS = ("active", "succeeded", "failed", "ready", "terminating")
_LASTING = ("Failed", "Complete", "FailureTarget", "SuccessCriteriaMet")
_TOGETHER = (
    ("Complete", "Failed", "cannot set Complete=True and Failed=true conditions"),
    ("Complete", "FailureTarget", "cannot set Complete=True and FailureTarget=true conditions"),
    ("SuccessCriteriaMet", "Failed", "cannot set SuccessCriteriaMet=True and Failed=true conditions"),
    ("SuccessCriteriaMet", "FailureTarget", "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions"),
)
_BEFORE = (
    ("Failed", "FailureTarget", "cannot set Failed=True condition without the FailureTarget=true condition"),
    (
        "Complete",
        "SuccessCriteriaMet",
        "cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
    ),
)


def validate(new: Object, old: Object) -> list[FieldError]:
    """Check the status of the Job `new`, that of `old` before; one that did not change is not looked at."""
    status, before = new.get("status") or {}, old.get("status") or {}
    if status == before:
        return []
    errors = [e for key in _COUNTS for e in checks.nonnegative(f"status.{key}", status.get(key))]
    return [*errors, *_conditions(new, old), *_times(new, before), *_finished(new), *_indexes(new, status, before)]


def _conditions(new: Object, old: Object) -> list[FieldError]:
    found = [text for a, b, text in _TOGETHER if metadata.is_true(new, a) and metadata.is_true(new, b)]
    found += [text for a, b, text in _BEFORE if metadata.is_true(new, a) and not metadata.is_true(new, b)]
    for type in _LASTING:
        if metadata.is_true(old, type) and not metadata.is_true(new, type):
            found.append(f"cannot disable the terminal {type}=True condition")
    conditions = (new.get("status") or {}).get("conditions") or []
    return [fields.invalid(_PATH, conditions, text) for text in found]


def _times(new: Object, before: Object) -> list[FieldError]:
    status = new["status"]
    started, completed, complete = (
        status.get("startTime"),
        status.get("completionTime"),
        metadata.is_true(new, "Complete"),
    )
    path, errors = "status.completionTime", []
    if completed and not complete:
        text = "cannot set completionTime when there is no Complete=True condition"
        errors.append(fields.invalid(path, completed, text))
    if complete and not completed:
        errors.append(fields.required(path, "completionTime is required for Complete jobs"))
    if started and completed and completed < started:
        errors.append(fields.invalid(path, completed, "must be equal to or after `startTime`"))
    if completed and before.get("completionTime") not in (None, completed):
        errors.append(fields.invalid(path, completed, "field is immutable"))
    if before.get("startTime") not in (None, started) and not new["spec"].get("suspend"):
        text = "field is immutable for unsuspended job once set"
        errors.append(fields.invalid("status.startTime", started, text))
    return errors


def _finished(new: Object) -> list[FieldError]:
    status = new["status"]
    errors = []
    if (status.get("ready") or 0) > (status.get("active") or 0):
        errors.append(fields.invalid("status.ready", status["ready"], "cannot set more ready pods than active"))
    if end_of(new) is None:
        return errors
    for key in ("active", "terminating"):
        if count := status.get(key):
            errors.append(fields.invalid(f"status.{key}", count, f"{key}>0 is invalid for finished job"))
    if not status.get("startTime"):
        errors.append(fields.required("status.startTime", "startTime is required for finished job"))
    uncounted = status.get("uncountedTerminatedPods") or {}
    if any(uncounted.values()):
        text = "must be empty for finished job"
        errors.append(fields.invalid("status.uncountedTerminatedPods", uncounted, text))
    return errors


def _indexes(new: Object, status: Object, before: Object) -> list[FieldError]:
    errors: list[FieldError] = []
    sets: dict[str, IndexSet] = {}
    for key in ("completedIndexes", "failedIndexes"):
        try:
            sets[key] = indexes.parse(status.get(key) or "", new["spec"].get("completions"))
        except ValueError as error:
            errors.append(fields.invalid(f"status.{key}", status[key], f"error parsing {key}: {error}"))
    if status.get("completedIndexes") and not is_indexed(new["spec"]):
        text = "cannot set non-empty completedIndexes when non-indexed completion mode"
        errors.append(fields.invalid("status.completedIndexes", status["completedIndexes"], text))
    if status.get("failedIndexes") is not None and new["spec"].get("backoffLimitPerIndex") is None:
        text = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
        errors.append(fields.invalid("status.failedIndexes", status["failedIndexes"], text))
    if both := sets.get("completedIndexes", IndexSet()) & sets.get("failedIndexes", IndexSet()):
        text = f"failedIndexes and completedIndexes overlap at index: {both.ranges()[0].start}"
        errors.append(fields.invalid("status.failedIndexes", status["failedIndexes"], text))
    for key in ("failed", "succeeded"):
        if (count := status.get(key) or 0) < (before.get(key) or 0):
            errors.append(fields.invalid(f"status.{key}", count, f"cannot decrease the {key} counter"))
    return errors
