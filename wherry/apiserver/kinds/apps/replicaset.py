"""ReplicaSet (apps/v1).

Source: k8s.io/kubernetes pkg/apis/apps/v1/defaults.go, pkg/apis/apps/validation/validation.go,
pkg/printers/internalversion/printers.go (printReplicaSet).
"""

from __future__ import annotations

from wherry.apiserver.kind import Context, Kind
from wherry.apiserver.kinds.common import cells, checks, defaults, replicas
from wherry.apiserver.kinds.core.pods import podtemplate, podwarnings
from wherry.objects import Object
from wherry.objects.errors import FieldError
from wherry.objects.resource import REPLICA_SETS


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
    errors = checks.immutable("spec.selector", new["spec"].get("selector"), old["spec"].get("selector"))
    return errors + replicas.validate_status(new)


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
    columns=(*replicas.COLUMNS, *cells.TEMPLATE_COLUMNS),
    fields=replicas.FIELDS,
)
