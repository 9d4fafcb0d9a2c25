"""PersistentVolumeClaim (core/v1).

Source: k8s.io/kubernetes pkg/apis/core/validation/validation.go (ValidatePersistentVolumeClaimUpdate),
plugin/pkg/admission/storage (setdefault, resize), pkg/printers/internalversion/printers.go
(printPersistentVolumeClaim).
"""

from __future__ import annotations

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.common import cells
from wherry.apiserver.kinds.core import limits
from wherry.apiserver.kinds.core.storage import claimspec, protection
from wherry.objects import Object, fields, quantity
from wherry.objects.errors import FieldError, Forbidden
from wherry.objects.meaning.volumes import PVC_PROTECTION, class_of, default_class, names_class, requested
from wherry.objects.metadata import is_being_deleted
from wherry.objects.resource import LIMIT_RANGES, PERSISTENT_VOLUME_CLAIMS, STORAGE_CLASSES

_CHANGEABLE = "resources.requests and volumeAttributesClassName for bound claims"
_NO_EXPANSION = (
    "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"
)
_SHORT = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}


def _prepare(new: Object, old: Object | None, context: Context) -> None:
    if old is None or requested(new) != requested(old):
        limits.admit_claim(new, context.list(LIMIT_RANGES, new["metadata"]["namespace"]))
    if old is not None:
        _admit_expansion(new, old, context)
        return
    protection.add(new, PVC_PROTECTION)
    new["status"] = {"phase": "Pending"}
    if not names_class(new) and (found := default_class(context.list(STORAGE_CLASSES))):
        new["spec"]["storageClassName"] = found["metadata"]["name"]


def _admit_expansion(new: Object, old: Object, context: Context) -> None:
    """Raise `Forbidden` when a claim asks for more than it did, and cannot get it."""
    if quantity.compare(requested(new), requested(old)) <= 0:
        return
    name, why = new["metadata"]["name"], ""
    storage_class = context.get(STORAGE_CLASSES, class_of(new)) if class_of(new) == class_of(old) != "" else None
    if cells.text(old, "status", "phase") != "Bound":
        why = "Only bound persistent volume claims can be expanded"
    elif storage_class is None or not storage_class.get("allowVolumeExpansion"):
        why = _NO_EXPANSION
    if why:
        raise Forbidden.of(PERSISTENT_VOLUME_CLAIMS.plural, name, why)


def _validate_update(new: Object, old: Object) -> list[FieldError]:
    now, was = dict(new["spec"]), dict(old["spec"])
    if not was.get("volumeName"):
        was["volumeName"] = now.get("volumeName", "")
    if was.get("storageClassName") is None and now.get("storageClassName") is not None:
        was["storageClassName"] = now["storageClassName"]
    if (new.get("status") or {}).get("phase") == "Bound":
        for spec in (now, was):
            spec["resources"] = {**(spec.get("resources") or {}), "requests": {}}
            spec.pop("volumeAttributesClassName", None)
    errors = []
    if now | {"volumeName": now.get("volumeName", "")} != was | {"volumeName": was.get("volumeName", "")}:
        errors.append(fields.forbidden("spec", f"spec is immutable after creation except {_CHANGEABLE}"))
    if quantity.compare(requested(new), requested(old)) < 0:
        text = "field can not be less than previous value"
        errors.append(fields.forbidden("spec.resources.requests.storage", text))
    return errors


def modes(obj: Object, *path: str) -> str:
    """Return the access modes at `path` as letters."""
    found: list[str] = ((obj.get(path[0]) or {}).get(path[1])) or []
    return ",".join(letters for mode, letters in _SHORT.items() if mode in found)


def phase(obj: Object) -> str:
    """Return how far a claim or a volume is."""
    return "Terminating" if is_being_deleted(obj) else cells.text(obj, "status", "phase")


_COLUMNS = (
    Column("Status", phase),
    Column("Volume", lambda obj: cells.text(obj, "spec", "volumeName")),
    Column("Capacity", lambda obj: cells.text(obj, "status", "capacity", "storage")),
    Column("Access Modes", lambda obj: modes(obj, "status", "accessModes")),
    Column("StorageClass", class_of),
    Column("VolumeAttributesClass", lambda obj: cells.text(obj, "spec", "volumeAttributesClassName") or "<unset>"),
    Column("VolumeMode", lambda obj: cells.text(obj, "spec", "volumeMode") or "<unset>", priority=1),
)

PERSISTENT_VOLUME_CLAIM = Kind(
    resource=PERSISTENT_VOLUME_CLAIMS,
    short_names=("pvc",),
    default=claimspec.default,
    prepare=_prepare,
    validate=lambda obj: claimspec.validate("spec", obj["spec"]),
    validate_update=_validate_update,
    has_status=True,
    columns=_COLUMNS,
)
