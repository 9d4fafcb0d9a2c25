"""StorageClass (storage.k8s.io/v1), and which one is the default.

Source: k8s.io/kubernetes pkg/apis/storage/v1/defaults.go, pkg/apis/storage/validation/validation.go,
pkg/volume/util/storageclass.go (GetDefaultClass), pkg/printers/internalversion/printers.go (printStorageClass).
"""

from __future__ import annotations

from wherry.apiserver.kind import Column, Kind
from wherry.apiserver.kinds.common import checks, defaults
from wherry.apiserver.kinds.storage import csi
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError
from wherry.objects.meaning.volumes import is_default_class
from wherry.objects.resource import STORAGE_CLASSES

_POLICIES = ("Delete", "Retain")
_MODES = ("Immediate", "WaitForFirstConsumer")
_FIXED = ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode")


def _default(obj: Object) -> None:
    defaults.fill(obj, reclaimPolicy="Delete", volumeBindingMode="Immediate")


def _validate(obj: Object) -> list[FieldError]:
    errors = csi.provisioner("provisioner", obj.get("provisioner") or "")
    errors += csi.parameters("parameters", obj.get("parameters") or {})
    if (policy := obj["reclaimPolicy"]) and policy not in _POLICIES:
        errors.append(fields.not_supported("reclaimPolicy", policy, _POLICIES))
    if (mode := obj["volumeBindingMode"]) not in _MODES:
        errors.append(fields.not_supported("volumeBindingMode", mode, _MODES))
    return errors + _topologies(obj.get("allowedTopologies") or ())


def _topologies(terms: list[Object] | tuple[()]) -> list[FieldError]:
    errors, seen = [], []
    for i, term in enumerate(terms):
        path, wanted = f"allowedTopologies[{i}]", {}
        for j, requirement in enumerate(term.get("matchLabelExpressions") or ()):
            here, key, values = (
                f"{path}.matchLabelExpressions[{j}]",
                requirement.get("key") or "",
                requirement.get("values") or [],
            )
            errors += _values(f"{here}.values", values)
            errors += checks.named(f"{here}.key", key, names.label_key)
            if key in wanted:
                errors.append(fields.duplicate(f"{here}.key", key))
            wanted[key] = set(values)
        if wanted in seen:
            errors.append(fields.duplicate(f"{path}.matchLabelExpressions", ""))
        seen.append(wanted)
    return errors


def _values(path: str, values: list[str]) -> list[FieldError]:
    if not values:
        return [fields.required(path)]
    return [fields.duplicate(f"{path}[{i}]", value) for i, value in enumerate(values) if value in values[:i]]


def _validate_update(new: Object, old: Object) -> list[FieldError]:
    return [e for key in _FIXED for e in checks.immutable(key, new.get(key), old.get(key))]


def _shown_name(obj: Object) -> str:
    name = str((obj.get("metadata") or {}).get("name") or "")
    return f"{name} (default)" if is_default_class(obj) else name


STORAGE_CLASS = Kind(
    resource=STORAGE_CLASSES,
    short_names=("sc",),
    default=_default,
    validate=_validate,
    validate_update=_validate_update,
    name_column=False,
    columns=(
        Column("Name", _shown_name, format="name"),
        Column("Provisioner", lambda obj: obj.get("provisioner") or ""),
        Column("ReclaimPolicy", lambda obj: obj.get("reclaimPolicy") or ""),
        Column("VolumeBindingMode", lambda obj: obj.get("volumeBindingMode") or ""),
        Column("AllowVolumeExpansion", lambda obj: bool(obj.get("allowVolumeExpansion"))),
    ),
)
