"""VolumeAttributesClass (storage.k8s.io/v1): kept for clients; no driver here looks at it.

Source: k8s.io/kubernetes pkg/apis/storage/validation/validation.go (ValidateVolumeAttributesClass).
"""

from __future__ import annotations

from wherry.apiserver.kind import Column, Kind
from wherry.apiserver.kinds.storage import csi
from wherry.objects import Object, fields
from wherry.objects.errors import FieldError
from wherry.objects.resource import VOLUME_ATTRIBUTES_CLASSES


def _validate_class(obj: Object) -> list[FieldError]:
    errors = csi.provisioner("driverName", obj.get("driverName") or "")
    return errors + csi.parameters("parameters", obj.get("parameters") or {}, needed=True)


def _validate_class_update(new: Object, old: Object) -> list[FieldError]:
    return [
        fields.forbidden(key, f"updates to {key} are forbidden.")
        for key in ("driverName", "parameters")
        if new.get(key) != old.get(key)
    ]


VOLUME_ATTRIBUTES_CLASS = Kind(
    resource=VOLUME_ATTRIBUTES_CLASSES,
    short_names=("vac",),
    prepare=csi.warn,
    validate=_validate_class,
    validate_update=_validate_class_update,
    columns=(Column("DriverName", lambda obj: obj.get("driverName") or ""),),
)
