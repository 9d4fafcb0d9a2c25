"""CSIDriver (storage.k8s.io/v1): what a driver is like; no node here runs one.

Source: k8s.io/kubernetes pkg/apis/storage/v1/defaults.go, pkg/apis/storage/validation/validation.go,
pkg/printers/internalversion/printers.go.
"""

from __future__ import annotations

from typing import Any

from wherry.apiserver.kind import Column, Kind
from wherry.apiserver.kinds.common import ages, cells, checks, defaults
from wherry.apiserver.kinds.storage import csi
from wherry.objects import Object, fields
from wherry.objects.errors import FieldError
from wherry.objects.resource import CSI_DRIVERS

_POLICIES = ("File", "None", "ReadWriteOnceWithFSType")
_LIFECYCLES = ("Persistent", "Ephemeral")
_SHORTEST_TOKEN, _LONGEST_TOKEN = 600, 1 << 32


def _default(obj: Object) -> None:
    spec = obj["spec"] = obj.get("spec") or {}
    defaults.fill(
        spec,
        attachRequired=True,
        podInfoOnMount=False,
        storageCapacity=False,
        fsGroupPolicy="ReadWriteOnceWithFSType",
        requiresRepublish=False,
        seLinuxMount=False,
    )
    spec["volumeLifecycleModes"] = spec.get("volumeLifecycleModes") or ["Persistent"]


def _validate(obj: Object) -> list[FieldError]:
    spec = obj["spec"]
    errors: list[FieldError] = []
    if spec["fsGroupPolicy"] not in _POLICIES:
        errors.append(fields.not_supported("spec.fsGroupPolicy", spec["fsGroupPolicy"], _POLICIES))
    errors += _tokens("spec.tokenRequests", spec.get("tokenRequests") or ())
    for mode in spec["volumeLifecycleModes"]:
        if mode not in _LIFECYCLES:
            errors.append(fields.not_supported("spec.volumeLifecycleModes", mode, _LIFECYCLES))
    path, period = "spec.nodeAllocatableUpdatePeriodSeconds", spec.get("nodeAllocatableUpdatePeriodSeconds")
    if period is not None and period < 10:
        errors.append(fields.invalid(path, period, "must be greater than or equal to 10 seconds"))
    if spec.get("serviceAccountTokenInSecrets") is not None and not spec.get("tokenRequests"):
        text = "serviceAccountTokenInSecrets is set but no tokenRequests are specified"
        path = "spec.serviceAccountTokenInSecrets"
        errors.append(fields.invalid(path, spec["serviceAccountTokenInSecrets"], text))
    return errors


def _tokens(path: str, requests: Any) -> list[FieldError]:
    errors, seen = [], set()
    for i, request in enumerate(requests):
        audience, seconds = request.get("audience") or "", request.get("expirationSeconds")
        here = f"{path}[{i}].expirationSeconds"
        if audience in seen:
            errors.append(fields.duplicate(f"{path}[{i}].audience", audience))
        elif seconds is not None and seconds < _SHORTEST_TOKEN:
            errors.append(fields.invalid(here, seconds, "may not specify a duration less than 10 minutes"))
        elif seconds is not None and seconds > _LONGEST_TOKEN:
            errors.append(fields.invalid(here, seconds, "may not specify a duration larger than 2^32 seconds"))
        seen.add(audience)
    return errors


def _validate_update(new: Object, old: Object) -> list[FieldError]:
    now, was = new["spec"], old["spec"]
    errors = checks.immutable("spec.attachedRequired", now["attachRequired"], was["attachRequired"])
    path = "spec.volumeLifecycleModes"
    return errors + checks.immutable(path, now["volumeLifecycleModes"], was["volumeLifecycleModes"])


def _spec(key: str) -> Any:
    return lambda obj: bool((obj.get("spec") or {}).get(key))


def _audiences(obj: Object) -> str:
    requests = (obj.get("spec") or {}).get("tokenRequests")
    return "<unset>" if requests is None else ",".join(request.get("audience") or "" for request in requests)


def _modes(obj: Object) -> str:
    return ",".join((obj.get("spec") or {}).get("volumeLifecycleModes") or ()) or cells.NONE


CSI_DRIVER = Kind(
    resource=CSI_DRIVERS,
    default=_default,
    prepare=csi.warn,
    validate=_validate,
    validate_update=_validate_update,
    generation=True,
    age=False,
    columns=(
        Column("AttachRequired", _spec("attachRequired"), "boolean"),
        Column("PodInfoOnMount", _spec("podInfoOnMount"), "boolean"),
        Column("StorageCapacity", _spec("storageCapacity"), "boolean"),
        Column("TokenRequests", _audiences),
        Column("RequiresRepublish", _spec("requiresRepublish"), "boolean"),
        Column("Modes", _modes),
        Column("Age", ages.of),
    ),
)
