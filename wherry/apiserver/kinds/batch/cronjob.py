"""CronJob (batch/v1).

Source: k8s.io/kubernetes pkg/apis/batch/v1/defaults.go, pkg/apis/batch/validation/validation.go,
pkg/printers/internalversion/printers.go (printCronJob).
"""

from __future__ import annotations

import re

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.batch import jobspec
from wherry.apiserver.kinds.common import ages, cells, checks, defaults, objectmeta
from wherry.apiserver.kinds.core.pods import podwarnings
from wherry.objects import Object, fields, schedules
from wherry.objects.errors import FieldError
from wherry.objects.resource import CRON_JOBS

_POLICIES = ("Allow", "Forbid", "Replace")
_NAME_LENGTH = 52
"""A Job's name is its CronJob's and 11 characters that tell its time."""
_zone_part = re.compile(r"[A-Za-z.\-_0-9+]{1,14}")


def _default(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    jobspec.default_template(spec.setdefault("jobTemplate", {}))
    spec["concurrencyPolicy"] = spec.get("concurrencyPolicy") or "Allow"
    defaults.fill(spec, suspend=False, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1)


def _prepare(new: Object, old: Object | None, context: Context) -> None:
    before = old["spec"]["jobTemplate"]["spec"]["template"]["spec"] if old else None
    pod = new["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    podwarnings.of_pod("spec.jobTemplate.spec.template.spec", pod, before, context)
    if old is None:
        new["status"] = {}


def _validate(obj: Object) -> list[FieldError]:
    spec = obj["spec"]
    errors = [
        *_schedule("spec.schedule", spec.get("schedule") or ""),
        *checks.nonnegative("spec.startingDeadlineSeconds", spec.get("startingDeadlineSeconds")),
        *_time_zone("spec.timeZone", spec.get("timeZone")),
        *checks.one_of("spec.concurrencyPolicy", spec["concurrencyPolicy"], _POLICIES),
        *_template("spec.jobTemplate", spec["jobTemplate"]),
        *checks.nonnegative("spec.successfulJobsHistoryLimit", spec["successfulJobsHistoryLimit"]),
        *checks.nonnegative("spec.failedJobsHistoryLimit", spec["failedJobsHistoryLimit"]),
    ]
    if len(name := obj["metadata"].get("name", "")) > _NAME_LENGTH:
        errors.append(fields.invalid("metadata.name", name, f"must be no more than {_NAME_LENGTH} characters"))
    return errors


def _schedule(path: str, schedule: str) -> list[FieldError]:
    if not schedule:
        return [fields.required(path)]
    if "TZ" in schedule:
        text = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        return [fields.invalid(path, schedule, text)]
    try:
        schedules.parse(schedule)
    except ValueError as error:
        return [fields.invalid(path, schedule, str(error))]
    return []


def _time_zone(path: str, name: str | None) -> list[FieldError]:
    if name is None:
        return []
    if not name:
        return [fields.invalid(path, name, "timeZone must be nil or non-empty string")]
    if name.lower() == "local":
        text = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        return [fields.invalid(path, name, text)]
    parts = name.split("/")
    if any(p in (".", "..") or p.startswith("-") or not _zone_part.fullmatch(p) for p in parts):
        return [fields.invalid(path, name, f"unknown time zone {name}")]
    try:
        schedules.zone(name)
    except ValueError as error:
        return [fields.invalid(path, name, str(error))]
    return []


def _template(path: str, template: Object) -> list[FieldError]:
    meta, spec = template.get("metadata") or {}, template["spec"]
    errors = objectmeta.validate_labels(f"{path}.metadata.labels", meta.get("labels") or {})
    errors += objectmeta.validate_annotations(f"{path}.metadata.annotations", meta.get("annotations") or {})
    errors += jobspec.validate(f"{path}.spec", spec)
    if spec.get("selector") is not None:
        errors.append(fields.invalid(f"{path}.spec.selector", spec["selector"], "`selector` will be auto-generated"))
    if spec.get("manualSelector"):
        errors.append(fields.not_supported(f"{path}.spec.manualSelector", True, ("nil", "false")))
    return errors


def _last(obj: Object) -> str:
    last = (obj.get("status") or {}).get("lastScheduleTime")
    return ages.since(last) if last else cells.NONE


def _job(obj: Object) -> Object:
    spec: Object = (obj.get("spec") or {}).get("jobTemplate") or {}
    return spec


CRON_JOB = Kind(
    resource=CRON_JOBS,
    short_names=("cj",),
    categories=("all",),
    default=_default,
    prepare=_prepare,
    validate=_validate,
    has_status=True,
    generation=True,
    columns=(
        Column("Schedule", lambda obj: cells.text(obj, "spec", "schedule")),
        Column("Timezone", lambda obj: cells.text(obj, "spec", "timeZone") or cells.NONE),
        Column("Suspend", lambda obj: str((obj.get("spec") or {}).get("suspend") or False), "boolean"),
        Column("Active", lambda obj: len((obj.get("status") or {}).get("active") or ()), "integer"),
        Column("Last Schedule", _last),
        Column("Containers", lambda obj: cells.container_names(cells.pod_spec(_job(obj))), priority=1),
        Column("Images", lambda obj: cells.container_images(cells.pod_spec(_job(obj))), priority=1),
        Column("Selector", lambda obj: cells.selector((_job(obj).get("spec") or {}).get("selector")), priority=1),
    ),
)
