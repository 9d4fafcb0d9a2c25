"""Job (batch/v1).

Source: k8s.io/kubernetes pkg/registry/batch/job/strategy.go, pkg/apis/batch/validation/validation.go,
pkg/printers/internalversion/printers.go (printJob).
"""

from __future__ import annotations

import contextlib
import time

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.batch import jobspec, jobstatus
from wherry.apiserver.kinds.common import ages, cells, checks, labelselector
from wherry.apiserver.kinds.core.pods import podtemplate, podwarnings
from wherry.objects import Object, fields, metadata, names, timestamps
from wherry.objects.errors import BadRequest, FieldError
from wherry.objects.meaning.jobs import end_of, is_indexed
from wherry.objects.meaning.wellknown import CONTROLLER_UID, JOB_NAME, OLD_CONTROLLER_UID, OLD_JOB_NAME
from wherry.objects.resource import JOBS

_FIXED = ("selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy")
_SCHEDULING = ("nodeSelector", "tolerations", "schedulingGates")
"""What may still be changed of the pods of a Job that has not started."""


def _prepare(new: Object, old: Object | None, context: Context) -> None:
    podwarnings.of_template(new, old, context)
    if old is None:
        new["status"] = {}
        if not new["spec"]["manualSelector"]:
            _select_own_pods(new)


def _marks(job: Object) -> dict[str, str]:
    """Return the labels that tell a Job's pods from those of all others."""
    meta = job["metadata"]
    uid, name = meta.get("uid", ""), meta.get("name", "")
    return {CONTROLLER_UID: uid, JOB_NAME: name, OLD_CONTROLLER_UID: uid, OLD_JOB_NAME: name}


def _select_own_pods(job: Object) -> None:
    spec, marks = job["spec"], _marks(job)
    template = spec["template"]
    template["metadata"] = {**(template.get("metadata") or {}), "labels": {**marks, **podtemplate.labels(spec)}}
    selector = spec.get("selector") or {}
    own = {CONTROLLER_UID: marks[CONTROLLER_UID]}
    spec["selector"] = {**selector, "matchLabels": {**own, **(selector.get("matchLabels") or {})}}


def _validate(obj: Object) -> list[FieldError]:
    spec = obj["spec"]
    errors = [] if spec["manualSelector"] else _not_own(obj)
    errors += jobspec.validate("spec", spec)
    errors += labelselector.validate("spec.selector", spec.get("selector"))
    if spec.get("selector") is None:
        errors.append(fields.required("spec.selector"))
    with contextlib.suppress(BadRequest):  # told above
        errors += podtemplate.unmatched("spec", spec)
    return errors + _name(obj)


def _not_own(job: Object) -> list[FieldError]:
    """Check that nobody put labels of other Jobs on the template whose selector is made here."""
    found, errors = podtemplate.labels(job["spec"]), []
    for key, value in _marks(job).items():
        if found.get(key) != value:
            path = f"spec.template.metadata.labels[{key}]"
            errors.append(fields.invalid(path, dict(found), f"must be '{value}'"))
    chosen = ((job["spec"].get("selector") or {}).get("matchLabels") or {}).items()
    if not chosen <= _marks(job).items():
        errors.append(fields.invalid("spec.selector", job["spec"]["selector"], "`selector` not auto-generated"))
    return errors


def _name(job: Object) -> list[FieldError]:
    """Check that the last of an indexed Job's pods can have the name of its index."""
    name, completions = job["metadata"].get("name", ""), job["spec"].get("completions") or 0
    host = f"{name}-{completions - 1}"
    if not is_indexed(job["spec"]) or not completions or not names.dns_label(host):
        return []
    return [fields.invalid("metadata.name", name, f"will not able to create pod with invalid DNS label: {host}")]


def _validate_update(new: Object, old: Object) -> list[FieldError]:
    now, was = new["spec"], old["spec"]
    errors = _completions(now, was)
    errors += [e for key in _FIXED for e in checks.immutable(f"spec.{key}", now.get(key), was.get(key))]
    return [*errors, *_template(new, old), *jobstatus.validate(new, old)]


def _completions(now: Object, was: Object) -> list[FieldError]:
    """An indexed Job is made larger and smaller by both of its numbers at once (KEP-3715)."""
    wanted = now.get("completions")
    if wanted == was.get("completions"):
        return []
    if not is_indexed(now) or wanted is None:
        return checks.immutable("spec.completions", wanted, was.get("completions"))
    if wanted == now["parallelism"]:
        return []
    return [fields.invalid("spec.completions", wanted, "can only be modified in tandem with spec.parallelism")]


def _template(new: Object, old: Object) -> list[FieldError]:
    now, was = new["spec"]["template"], old["spec"]["template"]
    started = bool((old.get("status") or {}).get("startTime"))
    if now != was and old["spec"].get("suspend") and not started:
        was = _with_directives(was, now)
    return checks.immutable("spec.template", now, was)


def _with_directives(was: Object, now: Object) -> Object:
    """Return the template `was` with what decides where pods go, and what they are given, as in `now`."""
    spec = {**was["spec"]}
    for key in _SCHEDULING:
        spec.pop(key, None)
        if key in now["spec"]:
            spec[key] = now["spec"][key]
    affinity = {**(spec.pop("affinity", None) or {})}
    affinity.pop("nodeAffinity", None)
    if "nodeAffinity" in (wanted := now["spec"].get("affinity") or {}):
        affinity["nodeAffinity"] = wanted["nodeAffinity"]
    if affinity or "affinity" in now["spec"]:
        spec["affinity"] = affinity
    for key in ("containers", "initContainers"):
        pairs = zip(spec.get(key) or (), now["spec"].get(key) or (), strict=False)
        same = [{**a, "resources": b.get("resources", {})} if a["name"] == b["name"] else a for a, b in pairs]
        if len(same) == len(spec.get(key) or ()) and same:
            spec[key] = same
    meta = {**(was.get("metadata") or {})}
    for key in ("labels", "annotations"):
        meta.pop(key, None)
        if key in (now.get("metadata") or {}):
            meta[key] = now["metadata"][key]
    return {**was, "metadata": meta, "spec": spec}


def _completed(obj: Object) -> str:
    spec, done = obj.get("spec") or {}, cells.status(obj, "succeeded")
    if spec.get("completions") is not None:
        return f"{done}/{spec['completions']}"
    parallel = spec.get("parallelism") or 0
    return f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"


def _duration(obj: Object) -> str:
    status = obj.get("status") or {}
    if not status.get("startTime"):
        return ""
    end = status.get("completionTime")
    return ages.human((timestamps.parse(end) if end else time.time()) - timestamps.parse(status["startTime"]))


def _state(obj: Object) -> str:
    if end := end_of(obj):
        return str(end["type"])
    if metadata.is_being_deleted(obj):
        return "Terminating"
    found = (type for type in ("Suspended", "FailureTarget", "SuccessCriteriaMet") if metadata.is_true(obj, type))
    return next(found, "Running")


JOB = Kind(
    resource=JOBS,
    categories=("all",),
    default=jobspec.default,
    prepare=_prepare,
    validate=_validate,
    validate_update=_validate_update,
    has_status=True,
    generation=True,
    columns=(
        Column("Status", _state),
        Column("Completions", _completed),
        Column("Duration", _duration),
        *cells.TEMPLATE_COLUMNS,
    ),
    fields={"status.successful": lambda obj: str(cells.status(obj, "succeeded"))},
)
