"""The spec of a Job, in a Job or in a CronJob's template: defaults and checks.

Source: k8s.io/kubernetes pkg/apis/batch/v1/defaults.go, pkg/apis/batch/validation/validation.go (validateJobSpec).
"""

from __future__ import annotations

from wherry.apiserver.kinds.batch import jobpolicies
from wherry.apiserver.kinds.common import checks, defaults
from wherry.apiserver.kinds.core.pods import podtemplate
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError
from wherry.objects.meaning.jobs import is_indexed

_COUNTS = (
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
)
_MODES = ("NonIndexed", "Indexed")
_MANY = 100_000
"""Completions, parallel pods and failed indexes of an indexed Job: no more than fit into its status."""
_TOO_MANY = 10_000
"""With so many completions, fewer pods in parallel and failed indexes are allowed."""


def default_template(job: Object) -> Object:
    """Fill in what Jobs and templates of Jobs share; return the spec."""
    spec: Object = job.setdefault("spec", {})
    podtemplate.default(spec)
    jobpolicies.default(spec.get("podFailurePolicy") or {})
    return spec


def default(job: Object) -> None:
    """Fill in a Job."""
    spec = default_template(job)
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    limit = 6 if spec.get("backoffLimitPerIndex") is None else 2**31 - 1
    replacement = "TerminatingOrFailed" if spec.get("podFailurePolicy") is None else "Failed"
    defaults.fill(
        spec,
        parallelism=1,
        backoffLimit=limit,
        completionMode="NonIndexed",
        suspend=False,
        podReplacementPolicy=replacement,
        manualSelector=False,
    )
    given = podtemplate.labels(spec)
    if given and not (job.get("metadata") or {}).get("labels"):
        job.setdefault("metadata", {})["labels"] = dict(given)


def validate(path: str, spec: Object) -> list[FieldError]:
    """Check the spec of a Job at `path`, but for its selector."""
    errors = [e for key in _COUNTS for e in checks.nonnegative(f"{path}.{key}", spec.get(key))]
    if spec.get("maxFailedIndexes") is not None and spec.get("backoffLimitPerIndex") is None:
        errors.append(fields.required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified"))
    errors += _managed_by(f"{path}.managedBy", spec.get("managedBy"))
    if (mode := spec.get("completionMode") or "NonIndexed") not in _MODES:
        errors.append(fields.not_supported(f"{path}.completionMode", mode, _MODES))
    errors += _indexed(path, spec) if is_indexed(spec) else _not_indexed(path, spec)
    errors += jobpolicies.validate(path, spec)
    errors += podtemplate.validate_template(f"{path}.template", spec.get("template") or {})
    return errors + _restart_policy(path, spec)


def _managed_by(path: str, name: str | None) -> list[FieldError]:
    if name is None:
        return []
    errors = checks.named(path, name, names.qualified_name)
    if "/" not in name:
        errors.append(fields.invalid(path, name, 'must be a domain-prefixed path (such as "acme.io/foo")'))
    return errors if len(name) <= 63 else [*errors, fields.too_long(path, 63)]


def _indexed(path: str, spec: Object) -> list[FieldError]:
    completions, parallelism, failed = (
        spec.get("completions"),
        spec.get("parallelism") or 0,
        spec.get("maxFailedIndexes"),
    )
    errors = []
    if completions is None:
        errors.append(fields.required(f"{path}.completions", "when completion mode is Indexed"))
    if parallelism > _MANY:
        text = f"must be less than or equal to {_MANY} when completion mode is Indexed"
        errors.append(fields.invalid(f"{path}.parallelism", parallelism, text))
    if failed is not None and completions is not None and failed > completions:
        errors.append(fields.invalid(f"{path}.maxFailedIndexes", failed, "must be less than or equal to completions"))
    if failed is not None and failed > _MANY:
        errors.append(fields.invalid(f"{path}.maxFailedIndexes", failed, f"must be less than or equal to {_MANY}"))
    if (completions or 0) > _MANY and spec.get("backoffLimitPerIndex") is not None:
        errors += _huge(path, parallelism, failed)
    return errors


def _huge(path: str, parallelism: int, failed: int | None) -> list[FieldError]:
    why = f"when completions are above {_MANY} and used with backoff limit per index"
    errors = []
    if failed is None:
        text = f"must be specified when completions is above {_MANY}"
        errors.append(fields.required(f"{path}.maxFailedIndexes", text))
    for key, value in (("parallelism", parallelism), ("maxFailedIndexes", failed or 0)):
        if value > _TOO_MANY:
            errors.append(fields.invalid(f"{path}.{key}", value, f"must be less than or equal to {_TOO_MANY} {why}"))
    return errors


def _not_indexed(path: str, spec: Object) -> list[FieldError]:
    keys = ("backoffLimitPerIndex", "maxFailedIndexes", "successPolicy")
    given = ((key, spec[key]) for key in keys if spec.get(key) is not None)
    return [fields.invalid(f"{path}.{key}", value, "requires indexed completion mode") for key, value in given]


def _restart_policy(path: str, spec: Object) -> list[FieldError]:
    path, policy = f"{path}.template.spec.restartPolicy", spec["template"]["spec"].get("restartPolicy")
    if policy in (None, "", "Always"):
        return [fields.required(path, 'valid values: "OnFailure", "Never"')]
    if spec.get("podFailurePolicy") is not None and policy == "OnFailure":
        return [fields.invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified')]
    return []
