"""What a claim asks for: the spec of a PersistentVolumeClaim, by itself or in a template.

Source: k8s.io/kubernetes pkg/apis/core/v1/defaults.go, pkg/apis/core/validation/validation.go
(ValidatePersistentVolumeClaimSpec).
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.apiserver.kinds.common import checks, labelselector
from wherry.apiserver.kinds.core import resourcelist
from wherry.objects import Object, fields, names, quantity
from wherry.objects.errors import FieldError

ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
VOLUME_MODES = ("Block", "Filesystem")


def default(claim: Object) -> None:
    """Fill in a claim."""
    default_spec(claim)
    claim["status"] = {**(claim.get("status") or {})}
    claim["status"]["phase"] = claim["status"].get("phase") or "Pending"


def default_spec(claim: Object) -> None:
    """Fill in the spec of a claim, or of a template that has nothing else."""
    spec = claim["spec"] = claim.get("spec") or {}
    spec["volumeMode"] = spec.get("volumeMode") or "Filesystem"
    resources = spec.get("resources") or {}
    for key in ("requests", "limits"):
        resourcelist.round_up(resources.get(key))


def validate(path: str, spec: Object) -> list[FieldError]:
    """Check the spec of a claim at `path`."""
    modes = spec.get("accessModes") or ()
    errors = [] if modes else [fields.required(f"{path}.accessModes", "at least 1 access mode is required")]
    errors += labelselector.validate(f"{path}.selector", spec.get("selector"))
    errors += access_modes(f"{path}.accessModes", modes)
    requests = (spec.get("resources") or {}).get("requests") or {}
    errors += storage(f"{path}.resources[storage]", requests.get("storage"))
    for key in ("storageClassName", "volumeAttributesClassName"):
        if name := spec.get(key):
            errors += checks.named(f"{path}.{key}", name, names.dns_subdomain)
    return errors + volume_mode(f"{path}.volumeMode", spec.get("volumeMode"))


def access_modes(path: str, modes: Sequence[str]) -> list[FieldError]:
    """Check access modes, of a claim or of a volume."""
    errors = [fields.not_supported(path, mode, ACCESS_MODES) for mode in modes if mode not in ACCESS_MODES]
    if "ReadWriteOncePod" in modes and len({m for m in modes if m in ACCESS_MODES}) > 1:
        errors.append(fields.forbidden(path, "may not use ReadWriteOncePod with other access modes"))
    return errors


def storage(path: str, amount: str | None) -> list[FieldError]:
    """Check an amount of storage, which must be given."""
    if amount is None:
        return [fields.required(path)]
    return [] if quantity.parse(amount).nano > 0 else [fields.invalid(path, amount, "must be greater than zero")]


def volume_mode(path: str, mode: str | None) -> list[FieldError]:
    """Check whether a volume is one of files or of blocks."""
    return [] if mode in (None, *VOLUME_MODES) else [fields.not_supported(path, mode, VOLUME_MODES)]
