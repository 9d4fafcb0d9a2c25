"""The profiles that confine a pod or a container: seccomp's and AppArmor's.

Source: k8s.io/kubernetes pkg/apis/core/validation/validation.go (validateSeccompProfileField,
ValidateAppArmorProfileField).
"""

from __future__ import annotations

from wherry.apiserver.kinds.core import hostpath
from wherry.objects import Object, fields
from wherry.objects.errors import FieldError

TYPES = ("Localhost", "RuntimeDefault", "Unconfined")
LONGEST_NAME = 4095


def validate(path: str, context: Object) -> list[FieldError]:
    """Check the profiles of a security context, a pod's or a container's."""
    errors = []
    if (seccomp := context.get("seccompProfile")) is not None:
        errors += _type(f"{path}.seccompProfile", seccomp, "seccompProfile")
        errors += _localhost(f"{path}.seccompProfile", seccomp, "seccomp")
        if seccomp.get("type") == "Localhost" and (name := seccomp.get("localhostProfile")) is not None:
            errors += hostpath.descending(f"{path}.seccompProfile.localhostProfile", name)
    if (apparmor := context.get("appArmorProfile")) is not None:
        wrong = _type(f"{path}.appArmorProfile", apparmor, "appArmorProfile")
        errors += wrong or _localhost(f"{path}.appArmorProfile", apparmor, "AppArmor")
        if apparmor.get("type") == "Localhost" and (name := apparmor.get("localhostProfile")) is not None:
            errors += _name(f"{path}.appArmorProfile.localhostProfile", name)
    return errors


def _type(path: str, profile: Object, field: str) -> list[FieldError]:
    kind = profile.get("type") or ""
    if not kind:
        return [fields.required(f"{path}.type", f"type is required when {field} is set")]
    return [] if kind in TYPES else [fields.not_supported(f"{path}.type", kind, TYPES)]


def _localhost(path: str, profile: Object, called: str) -> list[FieldError]:
    kind, name = profile.get("type") or "", profile.get("localhostProfile")
    if kind == "Localhost" and name is None:
        return [fields.required(f"{path}.localhostProfile", f"must be set when {called} type is Localhost")]
    if kind != "Localhost" and name is not None:
        shown = profile if called == "seccomp" else name
        text = f"can only be set when {called} type is Localhost"
        return [fields.invalid(f"{path}.localhostProfile", shown, text)]
    return []


def _name(path: str, name: str) -> list[FieldError]:
    if name.strip() != name:
        return [fields.invalid(path, name, "must not be padded with whitespace")]
    if not name:
        return [fields.required(path, "must be set when AppArmor type is Localhost")]
    return [fields.too_long(path, LONGEST_NAME)] if len(name) > LONGEST_NAME else []
