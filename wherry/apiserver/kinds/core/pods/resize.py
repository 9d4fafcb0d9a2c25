"""`resize`: what a pod's containers ask for and may use is changed while they run.

Source: KEP-1287; k8s.io/kubernetes pkg/registry/core/pod/strategy.go (podResizeStrategy),
pkg/apis/core/validation/validation.go (ValidatePodResize).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wherry.apiserver.kind import PartMerge
from wherry.apiserver.kinds.core.pods import podqos
from wherry.objects import Object, fields, metadata
from wherry.objects.errors import FieldError
from wherry.objects.meaning.pods import is_sidecar
from wherry.objects.meaning.wellknown import MIRROR_POD

SUBRESOURCE = "resize"
RESIZABLE = ("cpu", "memory")
_LISTS = ("initContainers", "containers")
_WRITTEN = ("resources", "resizePolicy")


def _merged(new: Object, old: Object) -> Object:
    """Return `old` with the resources that `new` gives its containers; other containers too: `check` refuses them."""
    result, wanted = metadata.copy(old), new.get("spec") or {}
    spec = result["spec"]
    for key in _LISTS:
        if _names(wanted, key) != _names(spec, key):
            spec[key] = wanted.get(key) or []
            continue
        for container, asked in zip(spec.get(key) or (), wanted.get(key) or (), strict=True):
            for field in _WRITTEN:
                _take(container, asked, field)
    if wanted.get("resources") is not None:
        spec["resources"] = wanted["resources"]
    return result


MERGE = PartMerge(_merged, [("spec", key, "*", field) for key in _LISTS for field in _WRITTEN])


def check(new: Object, old: Object) -> list[FieldError]:
    """Check what a resize has made of a pod."""
    now, was = new["spec"], old["spec"]
    if MIRROR_POD in metadata.annotations(old):
        return [fields.forbidden("", "static pods cannot be resized")]
    if (was.get("os") or {}).get("name") == "windows":
        return [fields.forbidden("", "windows pods cannot be resized")]
    errors, status = [], old.get("status") or {}
    if moved := _moved(now, was):
        return moved
    if (status.get("qosClass") or podqos.qos_class(was)) != podqos.qos_class(now):
        text = "Pod QOS Class may not change as a result of resizing"
        errors.append(fields.invalid("spec", status.get("qosClass") or "", text))
    if not _tells_resources(status):
        errors.append(fields.forbidden("spec", "Pod running on node without support for resize"))
    if any((spec.get("resources") or {}).get(key) for spec in (now, was) for key in ("requests", "limits")):
        errors.append(fields.forbidden("spec.resources", "resize of pods with pod-level resources is not supported"))
    for key in _LISTS:
        for i, (container, before) in enumerate(zip(now.get(key) or (), was.get(key) or (), strict=True)):
            errors += _of_container(f"spec.{key}[{i}]", key, container, before)
    return errors


def _names(spec: Object, key: str) -> list[str]:
    return [str(container.get("name")) for container in spec.get(key) or ()]


def _take(target: Object, source: Object, key: str) -> None:
    if key in source:
        target[key] = source[key]
    else:
        target.pop(key, None)


def _moved(now: Object, was: Object) -> list[FieldError]:
    """Refuse other containers than there were, or another order."""
    errors = []
    for key in _LISTS:
        names, before = _names(now, key), _names(was, key)
        if len(names) != len(before):
            errors.append(fields.forbidden(f"spec.{key}", f"{key} may not be added or removed on resize"))
            continue
        text = f"{key} may not be renamed or reordered on resize"
        errors += [
            fields.forbidden(f"spec.{key}[{i}].name", text)
            for i, (name, old) in enumerate(zip(names, before, strict=True))
            if name != old
        ]
    return errors


def _tells_resources(status: Object) -> bool:
    """Return whether the node tells what containers have, as one that resizes them does."""
    statuses = status.get("containerStatuses") or ()
    running = [one for one in statuses if (one.get("state") or {}).get("running") is not None]
    return not running or running[0].get("resources") is not None


def _of_container(path: str, key: str, now: Object, was: Object) -> list[FieldError]:
    given, before = now.get("resources") or {}, was.get("resources") or {}
    errors = [
        fields.forbidden(f"{path}.resources.{kind}", f"resource {kind} cannot be removed")
        for kind in ("requests", "limits")
        if (before.get(kind) or {}).keys() - (given.get(kind) or {}).keys()
    ]
    if _fixed(now) != _fixed(was):
        if key == "containers":
            errors.append(fields.forbidden("spec", "only cpu and memory resources are mutable"))
        else:
            text = "only cpu and memory resources for init or sidecar containers are mutable"
            errors.append(fields.forbidden(path, text))
    elif key == "initContainers" and now != was and not is_sidecar(now) and _restarts(now.get("resizePolicy") or ()):
        text = "non-sidecar init containers with a resize policy of RestartContainer cannot be resized"
        errors.append(fields.forbidden(path, text))
    return errors


def _fixed(container: Object) -> dict[str, Any]:
    """Return what of a container no resize may change."""
    resources = container.get("resources") or {}
    kept: dict[str, Any] = {key: value for key, value in container.items() if key not in _WRITTEN}
    kept["resizePolicy"] = container.get("resizePolicy") or []
    kept["claims"] = resources.get("claims") or []
    for kind in ("requests", "limits"):
        kept[kind] = {name: value for name, value in (resources.get(kind) or {}).items() if name not in RESIZABLE}
    return kept


def _restarts(policies: Sequence[Object]) -> bool:
    return any(policy.get("restartPolicy") == "RestartContainer" for policy in policies)
