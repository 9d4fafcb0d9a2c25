"""PersistentVolume (core/v1).

Source: k8s.io/kubernetes pkg/apis/core/v1/defaults.go (SetDefaults_PersistentVolume),
pkg/apis/core/validation/validation.go (ValidatePersistentVolumeSpec, ValidatePersistentVolumeUpdate),
pkg/printers/internalversion/printers.go (printPersistentVolume).
"""

from __future__ import annotations

import posixpath
import time

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.common import cells, checks, defaults
from wherry.apiserver.kinds.core import hostpath, nodeselector, resourcelist
from wherry.apiserver.kinds.core.storage import claimspec, protection
from wherry.apiserver.kinds.core.storage.persistentvolumeclaim import modes, phase
from wherry.apiserver.kinds.storage import csi
from wherry.objects import Object, fields, names, timestamps
from wherry.objects.errors import FieldError
from wherry.objects.meaning.volumes import MOUNTABLE, PV_PROTECTION, class_of, source_of, sources_of
from wherry.objects.resource import PERSISTENT_VOLUMES

_POLICIES = ("Delete", "Recycle", "Retain")


def _default(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    resourcelist.round_up(spec.get("capacity"))
    spec["persistentVolumeReclaimPolicy"] = spec.get("persistentVolumeReclaimPolicy") or "Retain"
    spec["volumeMode"] = spec.get("volumeMode") or "Filesystem"
    if (host := spec.get("hostPath")) is not None:
        defaults.fill(host, type="")


def _prepare(new: Object, old: Object | None, context: Context) -> None:
    if old is not None:
        if _phase(new) != _phase(old):
            new["status"]["lastPhaseTransitionTime"] = timestamps.rfc3339(time.time())
        return
    protection.add(new, PV_PROTECTION)
    new["status"] = {"phase": "Pending", "lastPhaseTransitionTime": timestamps.rfc3339(time.time())}
    if (kind := source_of(new)[0]) and kind not in MOUNTABLE:
        context.warn(f"spec.{kind}: volumes of type {kind} are not supported by wherry: no pod will be able to use it")
    if new["spec"]["persistentVolumeReclaimPolicy"] == "Recycle":
        context.warn(
            "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the "
            "recommended approach is to use dynamic provisioning."
        )


def _phase(obj: Object) -> str | None:
    found: str | None = (obj.get("status") or {}).get("phase")
    return found


def _validate(obj: Object) -> list[FieldError]:
    spec = obj["spec"]
    errors = [] if spec.get("accessModes") else [fields.required("spec.accessModes")]
    errors += claimspec.access_modes("spec.accessModes", spec.get("accessModes") or ())
    errors += _capacity(spec.get("capacity") or {})
    policy = spec["persistentVolumeReclaimPolicy"]
    errors += checks.one_of("spec.persistentVolumeReclaimPolicy", policy, _POLICIES)
    if (affinity := spec.get("nodeAffinity")) is not None:
        errors += _affinity(affinity)
    errors += _sources(obj)
    if policy == "Recycle" and posixpath.normpath((spec.get("hostPath") or {}).get("path") or ".") == "/":
        text = "may not be 'recycle' for a hostPath mount of '/'"
        errors.append(fields.forbidden("spec.persistentVolumeReclaimPolicy", text))
    if name := spec.get("storageClassName"):
        errors += checks.named("spec.storageClassName", name, names.dns_subdomain)
    return errors + claimspec.volume_mode("spec.volumeMode", spec["volumeMode"]) + _attributes_class(spec)


def _capacity(capacity: Object) -> list[FieldError]:
    errors = [] if capacity else [fields.required("spec.capacity")]
    if "storage" not in capacity or len(capacity) > 1:
        errors.append(fields.not_supported("spec.capacity", capacity, ("storage",)))
    for name, amount in capacity.items():
        errors += claimspec.storage(f"spec.capacity[{name}]", amount)
    return errors


def _affinity(affinity: Object) -> list[FieldError]:
    if (required := affinity.get("required")) is None:
        return [fields.required("spec.nodeAffinity.required", "must specify required node constraints")]
    return nodeselector.validate("spec.nodeAffinity.required", required)


def _sources(obj: Object) -> list[FieldError]:
    first, *more = sources_of(obj) or [""]
    if not first:
        return [fields.required("spec", "must specify a volume type")]
    path, source = f"spec.{first}", obj["spec"][first]
    errors: list[FieldError] = []
    if first == "hostPath":
        errors += hostpath.validate(path, source)
    elif first == "local":
        errors += hostpath.validate_local(path, source)
        if obj["spec"].get("nodeAffinity") is None:
            errors.append(fields.required("spec.nodeAffinity", "Local volume requires node affinity"))
    elif first == "csi":
        errors += csi.driver_name(f"{path}.driver", source.get("driver") or "")
        errors += [] if source.get("volumeHandle") else [fields.required(f"{path}.volumeHandle")]
    return errors + [fields.forbidden(f"spec.{kind}", "may not specify more than 1 volume type") for kind in more]


def _attributes_class(spec: Object) -> list[FieldError]:
    path, name = "spec.volumeAttributesClassName", spec.get("volumeAttributesClassName")
    if name is None:
        return []
    errors = checks.named(path, name, names.dns_subdomain)
    if not name:
        errors = [fields.required(path, "an empty string is disallowed")]
    if spec.get("csi") is None:
        errors.append(fields.required("spec.csi", "has to be specified when using volumeAttributesClassName"))
    return errors


def _validate_update(new: Object, old: Object) -> list[FieldError]:
    now, was = new["spec"], old["spec"]
    errors = []
    if {k: now[k] for k in sources_of(new)} != {k: was[k] for k in sources_of(old)}:
        text = "spec.persistentvolumesource is immutable after creation"
        errors.append(fields.forbidden("spec.persistentvolumesource", text))
    errors += checks.immutable("volumeMode", now.get("volumeMode"), was.get("volumeMode"))
    if was.get("nodeAffinity") is not None and now.get("nodeAffinity") != was["nodeAffinity"]:
        text = "field is immutable, except for updating from beta label to GA"
        errors.append(fields.invalid("nodeAffinity", now.get("nodeAffinity"), text))
    return errors


def _claim(obj: Object) -> str:
    claim = (obj.get("spec") or {}).get("claimRef")
    return f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else ""


PERSISTENT_VOLUME = Kind(
    resource=PERSISTENT_VOLUMES,
    short_names=("pv",),
    default=_default,
    prepare=_prepare,
    validate=_validate,
    validate_update=_validate_update,
    has_status=True,
    columns=(
        Column("Capacity", lambda obj: cells.text(obj, "spec", "capacity", "storage")),
        Column("Access Modes", lambda obj: modes(obj, "spec", "accessModes")),
        Column("Reclaim Policy", lambda obj: cells.text(obj, "spec", "persistentVolumeReclaimPolicy")),
        Column("Status", phase),
        Column("Claim", _claim),
        Column("StorageClass", class_of),
        Column("VolumeAttributesClass", lambda obj: cells.text(obj, "spec", "volumeAttributesClassName") or "<unset>"),
        Column("Reason", lambda obj: cells.text(obj, "status", "reason")),
        Column("VolumeMode", lambda obj: cells.text(obj, "spec", "volumeMode") or "<unset>", priority=1),
    ),
)
