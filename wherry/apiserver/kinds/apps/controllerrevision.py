"""ControllerRevision (apps/v1): one remembered state of a DaemonSet's template.

Source: k8s.io/kubernetes pkg/apis/apps/validation/validation.go, pkg/printers/internalversion/printers.go
(printControllerRevision).
"""

from __future__ import annotations

from wherry.apiserver.kind import Column, Kind
from wherry.apiserver.kinds.common import cells, checks
from wherry.objects import Object, fields, metadata
from wherry.objects.errors import FieldError
from wherry.objects.resource import CONTROLLER_REVISIONS


def _validate(obj: Object) -> list[FieldError]:
    errors = [] if obj.get("data") is not None else [fields.required("data", "data is mandatory")]
    return errors + checks.nonnegative("revision", obj.get("revision"))


def _controller(obj: Object) -> str:
    owner = metadata.controller_of(obj)
    if owner is None:
        return cells.NONE
    group = owner["apiVersion"].rpartition("/")[0]
    kind = owner["kind"].lower()
    return f"{kind}.{group}/{owner['name']}" if group else f"{kind}/{owner['name']}"


CONTROLLER_REVISION = Kind(
    resource=CONTROLLER_REVISIONS,
    default=lambda obj: obj.update(revision=obj.get("revision") or 0),
    validate=_validate,
    validate_update=lambda new, old: checks.immutable("data", new.get("data"), old.get("data")),
    columns=(Column("Controller", _controller), Column("Revision", lambda obj: obj.get("revision") or 0, "integer")),
)
