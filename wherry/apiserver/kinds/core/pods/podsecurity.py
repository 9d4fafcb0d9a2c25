"""The security context of a whole pod.

Source: k8s.io/kubernetes pkg/apis/core/validation/validation.go (validatePodSpecSecurityContext, validateSysctls,
validateHostUsers).
"""

from __future__ import annotations

import re

from wherry.apiserver.kinds.common import checks
from wherry.apiserver.kinds.core.pods import profiles
from wherry.objects import Object, fields
from wherry.objects.errors import FieldError

_SYSCTL = r"^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"
_sysctl = re.compile(_SYSCTL)


def validate(path: str, spec: Object) -> list[FieldError]:
    """Check `spec.securityContext` (and the switches of the spec it depends on)."""
    context = spec.get("securityContext") or {}
    errors = []
    for key in ("fsGroup", "runAsUser", "runAsGroup"):
        if (number := context.get(key)) is not None:
            errors += checks.between(f"{path}.{key}", number, 0, checks.MAX_ID)
    for i, group in enumerate(context.get("supplementalGroups") or ()):
        errors += checks.between(f"{path}.supplementalGroups[{i}]", group, 0, checks.MAX_ID)
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        text = "ShareProcessNamespace and HostPID cannot both be enabled"
        errors.append(fields.invalid(f"{path}.shareProcessNamespace", True, text))
    errors += _users(path.removesuffix(".securityContext"), spec)
    errors += _sysctls(f"{path}.sysctls", context, spec)
    if (policy := context.get("fsGroupChangePolicy")) is not None:
        errors += checks.one_of(f"{path}.fsGroupChangePolicy", policy, ("Always", "OnRootMismatch"))
    return errors + profiles.validate(path, context)


def _users(path: str, spec: Object) -> list[FieldError]:
    """Check what does not go with users of the pod's own."""
    if spec.get("hostUsers") is not False:
        return []
    shown = {"hostNetwork": "hostNetwork", "hostPID": "HostPID", "hostIPC": "HostIPC"}
    named = [f"{path}.{name}" for key, name in shown.items() if spec.get(key)]
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        containers = spec.get(kind) or ()
        named += [f"{path}.{kind}[{i}].volumeDevices" for i, one in enumerate(containers) if one.get("volumeDevices")]
    return [fields.forbidden(name, "when `hostUsers` is false") for name in named]


def _sysctls(path: str, context: Object, spec: Object) -> list[FieldError]:
    errors, seen = [], set()
    for i, sysctl in enumerate(context.get("sysctls") or ()):
        here, name = f"{path}[{i}].name", sysctl.get("name") or ""
        if not name:
            errors.append(fields.required(here))
        elif len(name) > 253 or not _sysctl.fullmatch(name):
            errors.append(fields.invalid(here, name, f"must have at most 253 characters and match regex {_SYSCTL}"))
        elif name in seen:
            errors.append(fields.duplicate(here, name))
        if spec.get("hostNetwork") and name.replace("/", ".").startswith("net."):
            errors.append(fields.invalid(here, name, "may not be specified when 'hostNetwork' is true"))
        seen.add(name)
    return errors
