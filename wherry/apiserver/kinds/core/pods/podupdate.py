"""What an update may change of a pod, and what its status may not do.

Source: k8s.io/kubernetes pkg/apis/core/validation/validation.go (ValidatePodUpdate, ValidatePodStatusUpdate).
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence

from wherry.apiserver.kinds.common import checks
from wherry.apiserver.kinds.core import taints
from wherry.apiserver.kinds.core.pods import ephemeral, resize, volumes
from wherry.objects import Object, fields, metadata
from wherry.objects.errors import FieldError
from wherry.objects.meaning.pods import is_mirror
from wherry.objects.meaning.wellknown import MIRROR_POD

_CHANGEABLE = ",".join(
    (
        "`spec.containers[*].image`",
        "`spec.initContainers[*].image`",
        "`spec.activeDeadlineSeconds`",
        "`spec.tolerations` (only additions to existing tolerations)",
        "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
    )
)


def check(new: Object, old: Object | None, part: str) -> list[FieldError]:
    """Check a new pod, or an update through `part`; a binding may do anything."""
    if old is None:
        has = new["spec"].get(ephemeral.FIELD)
        errors = [fields.forbidden(f"spec.{ephemeral.FIELD}", "cannot be set on create")] if has else []
        if is_mirror(new) and not new["spec"].get("nodeName"):
            text = "must set spec.nodeName if mirror pod annotation is set"
            path = f"metadata.annotations[{MIRROR_POD}]"
            errors.append(fields.invalid(path, metadata.annotations(new)[MIRROR_POD], text))
        return errors
    if part == "*":
        return []
    if part == ephemeral.SUBRESOURCE:
        mountable, _ = volumes.validate("spec.volumes", new["spec"].get("volumes") or ())
        lists = [obj["spec"].get(ephemeral.FIELD) or () for obj in (new, old)]
        return ephemeral.validate(new["spec"], mountable) + ephemeral.validate_update(*lists)
    if part == resize.SUBRESOURCE:
        return resize.check(new, old)
    return validate(new, old)


def validate(new: Object, old: Object) -> list[FieldError]:
    """Check an update of a pod's spec and status against what it was."""
    now, was = new["spec"], old["spec"]
    for key in ("containers", "initContainers"):
        if len(now.get(key) or ()) != len(was.get(key) or ()):
            return [fields.forbidden(f"spec.{key}", "pod updates may not add or remove containers")]
    return [
        *_mirror(new, old),
        *_deadline(now.get("activeDeadlineSeconds"), was.get("activeDeadlineSeconds")),
        *taints.validate_added("spec.tolerations", now.get("tolerations") or (), was.get("tolerations") or ()),
        *_gates(now.get("schedulingGates") or (), was.get("schedulingGates") or ()),
        *_rest(now, was),
        *_status(new, old),
    ]


def _mirror(new: Object, old: Object) -> list[FieldError]:
    now, was = (metadata.annotations(pod).get(MIRROR_POD) for pod in (new, old))
    text = "may not add mirror pod annotation" if was is None else "may not remove or update mirror pod annotation"
    return [] if now == was else [fields.forbidden(f"metadata.annotations[{MIRROR_POD}]", text)]


def _deadline(now: int | None, was: int | None) -> list[FieldError]:
    path = "spec.activeDeadlineSeconds"
    if now is None:
        return (
            [] if was is None else [fields.invalid(path, None, "must not update from a positive integer to nil value")]
        )
    if was is not None and was < now:
        return [fields.invalid(path, now, "must be less than or equal to previous value")]
    return checks.between(path, now, 0, 2**31 - 1)


def _gates(now: Sequence[Object], was: Sequence[Object]) -> list[FieldError]:
    text = "only deletion is allowed, but found new scheduling gate"
    return [fields.forbidden("spec.schedulingGates", f"{text} '{gate.get('name')}'") for gate in now if gate not in was]


def _rest(now: Object, was: Object) -> list[FieldError]:
    """Refuse any change to what is not `_CHANGEABLE`, showing the difference."""
    if now == was:
        return []
    masked = metadata.copy(now)
    for key in ("containers", "initContainers"):
        for container, before in zip(masked.get(key) or (), was.get(key) or (), strict=True):
            container["image"] = before.get("image")
    for key in ("activeDeadlineSeconds", "tolerations", "schedulingGates"):
        _restore(masked, was, key)
    if (was.get("terminationGracePeriodSeconds") or 0) < 0 and now.get("terminationGracePeriodSeconds") == 1:
        _restore(masked, was, "terminationGracePeriodSeconds")
    if masked == was:
        return []
    text = f"pod updates may not change fields other than {_CHANGEABLE}\n{_difference(was, masked)}"
    return [fields.forbidden("spec", text)]


def _restore(masked: Object, was: Object, key: str) -> None:
    if key in was:
        masked[key] = was[key]
    else:
        masked.pop(key, None)


def _difference(was: Object, now: Object) -> str:
    before, after = (json.dumps(value, indent=2, sort_keys=True).splitlines() for value in (was, now))
    return "\n".join(line for line in difflib.ndiff(before, after) if line[:1] in "+-")


def _status(new: Object, old: Object) -> list[FieldError]:
    now, was = new.get("status") or {}, old.get("status") or {}
    errors = []
    if was.get("qosClass"):
        errors += checks.immutable("status.qosClass", now.get("qosClass"), was["qosClass"])
    for key in ("containerStatuses", "initContainerStatuses"):
        policy = old["spec"].get("restartPolicy")
        errors += _transitions(f"status.{key}", now.get(key) or (), was.get(key) or (), policy)
    for key in ("podIPs", "hostIPs"):
        addresses = [address.get("ip") or "" for address in now.get(key) or ()]
        errors += checks.one_address_a_family(f"status.{key}", addresses)
    return errors


def _transitions(path: str, now: Sequence[Object], was: Sequence[Object], policy: str) -> list[FieldError]:
    """Refuse that a container which must not restart is anything but terminated again."""
    if policy == "Always":
        return []
    errors = []
    current = {status.get("name"): status for status in now}
    for i, status in enumerate(was):
        terminated = (status.get("state") or {}).get("terminated")
        if terminated is None or (terminated.get("exitCode") and policy == "OnFailure"):
            continue
        after = current.get(status.get("name"))
        if after is not None and (after.get("state") or {}).get("terminated") is None:
            text = "may not be transitioned to non-terminated state"
            errors.append(fields.forbidden(f"{path}[{i}].state", text))
    return errors
