"""ReplicationController (core/v1): what ReplicaSets were before; its selector is a map of labels.

Source: k8s.io/kubernetes pkg/apis/core/v1/defaults.go, pkg/apis/core/validation/validation.go
(ValidateReplicationControllerSpec), pkg/printers/internalversion/printers.go (printReplicationController).
"""

from __future__ import annotations

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.common import cells, checks, defaults, replicas
from wherry.apiserver.kinds.core.pods import podtemplate, podwarnings
from wherry.objects import Object, fields, selectors
from wherry.objects.errors import FieldError
from wherry.objects.resource import REPLICATION_CONTROLLERS


def _default(obj: Object) -> None:
    """A controller without labels or selector has its template's labels."""
    spec = obj["spec"] = obj.get("spec") or {}
    defaults.fill(spec, replicas=1)
    if spec.get("template") is None:
        return
    podtemplate.default(spec)
    if labels := podtemplate.labels(spec):
        spec["selector"] = spec.get("selector") or dict(labels)
        obj["metadata"]["labels"] = obj["metadata"].get("labels") or dict(labels)


def _prepare(new: Object, old: Object | None, context: Context) -> None:
    if new["spec"].get("template") is not None:
        podwarnings.of_template(new, old, context)
    if old is None:
        new["status"] = {"replicas": 0}


def _validate(obj: Object) -> list[FieldError]:
    spec = obj["spec"]
    return [
        *checks.nonnegative("spec.minReadySeconds", spec.get("minReadySeconds")),
        *([] if spec.get("selector") else [fields.required("spec.selector")]),
        *checks.nonnegative("spec.replicas", spec["replicas"]),
        *_template("spec.template", spec),
    ]


def _template(path: str, spec: Object) -> list[FieldError]:
    template = spec.get("template")
    if template is None:
        return [fields.required(path)]
    errors = []
    labels, selector = podtemplate.labels(spec), spec.get("selector")
    if selector and not selectors.from_labels(selector).matches(labels):
        text = "`selector` does not match template `labels`"
        errors.append(fields.invalid(f"{path}.metadata.labels", labels or None, text))
    errors += podtemplate.validate_template(path, template)
    return errors + podtemplate.runs_forever(path, template, "replicationcontroller")


def _validate_update(new: Object, old: Object) -> list[FieldError]:
    return replicas.validate_status(new)


REPLICATION_CONTROLLER = Kind(
    resource=REPLICATION_CONTROLLERS,
    short_names=("rc",),
    categories=("all",),
    default=_default,
    prepare=_prepare,
    validate=_validate,
    validate_update=_validate_update,
    has_status=True,
    scale=True,
    generation=True,
    columns=(
        *replicas.COLUMNS,
        *cells.TEMPLATE_COLUMNS[:2],
        Column("Selector", lambda obj: cells.labels((obj.get("spec") or {}).get("selector")), priority=1),
    ),
    fields=replicas.FIELDS,
)
