"""CSIStorageCapacity (storage.k8s.io/v1): how much a driver has left, for which class, where.

Source: k8s.io/kubernetes pkg/apis/storage/validation/validation.go (ValidateCSIStorageCapacity).
"""

from __future__ import annotations

from wherry.apiserver.kind import Column, Kind
from wherry.apiserver.kinds.common import checks, labelselector
from wherry.objects import Object, fields, names, quantity
from wherry.objects.errors import FieldError
from wherry.objects.resource import CSI_STORAGE_CAPACITIES


def _validate_capacity(obj: Object) -> list[FieldError]:
    errors = labelselector.validate("nodeTopology", obj.get("nodeTopology"))
    errors += checks.named("storageClassName", obj.get("storageClassName") or "", names.dns_subdomain)
    if (amount := obj.get("capacity")) is not None and quantity.parse(amount).nano < 0:
        errors.append(fields.invalid("capacity", amount, "must be greater than or equal to 0"))
    return errors


def _validate_capacity_update(new: Object, old: Object) -> list[FieldError]:
    return [e for k in ("nodeTopology", "storageClassName") for e in checks.immutable(k, new.get(k), old.get(k))]


CSI_STORAGE_CAPACITY = Kind(
    resource=CSI_STORAGE_CAPACITIES,
    validate=_validate_capacity,
    validate_update=_validate_capacity_update,
    age=False,
    columns=(
        Column("StorageClassName", lambda obj: obj.get("storageClassName") or ""),
        Column("Capacity", lambda obj: obj.get("capacity") or "<unset>"),
    ),
)
