"""Lease (coordination.k8s.io/v1).

Source: k8s.io/kubernetes pkg/apis/coordination/validation/validation.go.
"""

from __future__ import annotations

from wherry.apiserver.kind import Column, Kind
from wherry.apiserver.kinds.common import cells
from wherry.objects import Object, fields
from wherry.objects.errors import FieldError
from wherry.objects.resource import LEASES


def _validate(obj: Object) -> list[FieldError]:
    spec = obj["spec"]
    errors = []
    seconds, transitions = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
    if seconds is not None and seconds <= 0:
        errors.append(fields.invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0"))
    if transitions is not None and transitions < 0:
        text = "must be greater than or equal to 0"
        errors.append(fields.invalid("spec.leaseTransitions", transitions, text))
    if spec.get("preferredHolder") and not spec.get("strategy"):
        text = "may only be specified if `strategy` is defined"
        errors.append(fields.forbidden("spec.preferredHolder", text))
    return errors


LEASE = Kind(
    resource=LEASES,
    create_on_update=True,
    unconditional_update=False,
    default=lambda obj: obj.update(spec=obj.get("spec") or {}),
    validate=_validate,
    columns=(Column("Holder", lambda obj: cells.text(obj, "spec", "holderIdentity")),),
)
