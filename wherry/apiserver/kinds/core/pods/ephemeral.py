"""Ephemeral containers: put into a pod that runs already, through its `ephemeralcontainers`, to look into it.

Source: k8s.io/kubernetes pkg/apis/core/validation/validation.go (validateEphemeralContainers,
ValidatePodEphemeralContainersUpdate); KEP-277.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from wherry.apiserver.kinds.core.pods import container
from wherry.objects import Object, fields
from wherry.objects.errors import FieldError

SUBRESOURCE = "ephemeralcontainers"
FIELD = "ephemeralContainers"
ALLOWED = frozenset(
    [
        *("name", "image", "command", "args", "workingDir", "envFrom", "env", "volumeMounts", "volumeDevices"),
        *("terminationMessagePath", "terminationMessagePolicy", "imagePullPolicy", "securityContext"),
        *("stdin", "stdinOnce", "tty", "targetContainerName"),
    ]
)
CANNOT = "cannot be set for an Ephemeral Container"


def validate(spec: Object, mountable: Collection[str]) -> list[FieldError]:
    """Check the ephemeral containers of a pod spec; `mountable` are the names of its good volumes."""
    others = {c.get("name") for key in ("containers", "initContainers") for c in spec.get(key) or ()}
    errors, seen = [], set(others)
    for i, one in enumerate(spec.get(FIELD) or ()):
        path = f"spec.{FIELD}[{i}]"
        errors += container.validate_common(path, one, mountable)
        if (name := one.get("name")) in seen:
            errors.append(fields.duplicate(f"{path}.name", name or ""))
        seen.add(name)
        target = one.get("targetContainerName")
        if target and target not in others:
            errors.append(fields.not_found(f"{path}.targetContainerName", target))
        errors += [
            fields.forbidden(f"{path}.{key}", CANNOT) for key, value in one.items() if value and key not in ALLOWED
        ]
        for j, mount in enumerate(one.get("volumeMounts") or ()):
            errors += [
                fields.forbidden(f"{path}.volumeMounts[{j}].{key}", CANNOT)
                for key in ("subPath", "subPathExpr")
                if mount.get(key)
            ]
    return errors


def validate_update(new: Iterable[Object], old: Iterable[Object]) -> list[FieldError]:
    """Check what a list of ephemeral containers became: some may come, none may go or change."""
    now = {one.get("name"): one for one in new}
    errors = []
    for was in old:
        name = was.get("name")
        if name not in now:
            why = f'existing ephemeral containers "{name}" may not be removed\n'
        elif now[name] != was:
            why = f'existing ephemeral containers "{name}" may not be changed\n'
        else:
            continue
        errors.append(fields.forbidden(f"spec.{FIELD}", why))
    return errors
