"""ReplicaSet (apps/v1).

Source: k8s.io/kubernetes pkg/apis/apps/v1/defaults.go, pkg/apis/apps/validation/validation.go,
pkg/printers/internalversion/printers.go (printReplicaSet).
"""

from __future__ import annotations

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.common import cells, checks, defaults
from wherry.apiserver.kinds.core.pods import podtemplate, podwarnings
from wherry.objects import Object, fields
from wherry.objects.errors import FieldError
from wherry.objects.resource import REPLICA_SETS

_PARTS = ("fullyLabeledReplicas", "readyReplicas", "availableReplicas")


def _default(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    podtemplate.default(spec)
    defaults.fill(spec, replicas=1)


def _prepare(new: Object, old: Object | None, context: Context) -> None:
    podwarnings.of_template(new, old, context)
    if old is None:
        new["status"] = {"replicas": 0}


def _validate(obj: Object) -> list[FieldError]:
    spec = obj["spec"]
    return [
        *checks.nonnegative("spec.replicas", spec["replicas"]),
        *checks.nonnegative("spec.minReadySeconds", spec.get("minReadySeconds")),
        *podtemplate.validate("spec", spec, "deployment"),  # upstream's word in its message, for this kind too
    ]


def _validate_update(new: Object, old: Object) -> list[FieldError]:
    status = new.get("status") or {}
    errors = checks.immutable("spec.selector", new["spec"].get("selector"), old["spec"].get("selector"))
    for key in _PARTS:
        if (count := status.get(key) or 0) > (status.get("replicas") or 0):
            errors.append(fields.invalid(f"status.{key}", count, "cannot be greater than status.replicas"))
    return errors


REPLICA_SET = Kind(
    resource=REPLICA_SETS,
    short_names=("rs",),
    categories=("all",),
    default=_default,
    prepare=_prepare,
    validate=_validate,
    validate_update=_validate_update,
    has_status=True,
    scale=True,
    generation=True,
    columns=(
        Column("Desired", lambda obj: (obj.get("spec") or {}).get("replicas") or 0, "integer"),
        Column("Current", lambda obj: cells.status(obj, "replicas"), "integer"),
        Column("Ready", lambda obj: cells.status(obj, "readyReplicas"), "integer"),
        *cells.TEMPLATE_COLUMNS,
    ),
    fields={"status.replicas": lambda obj: str(cells.status(obj, "replicas"))},
)
