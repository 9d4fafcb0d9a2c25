"""References from a pod to its own fields and resources: the downward API, in environments and in volumes.

Source: k8s.io/kubernetes pkg/apis/core/validation/validation.go (validateObjectFieldSelector,
validateContainerResourceFieldSelector), pkg/apis/core/pods/helpers.go.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from wherry.apiserver.kinds.common import checks
from wherry.objects import Object, fields, names, quantity
from wherry.objects.errors import FieldError

ENV_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
FILE_FIELDS = ("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid")
RESOURCES = (
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
)
_KNOWN = frozenset((*ENV_FIELDS, *FILE_FIELDS, "spec.host"))
_SIZES = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")
_subscript = re.compile(r"(.+)\['(.*)'\]")


def default(reference: Object | None) -> None:
    """Fill in a fieldRef's apiVersion."""
    if reference is not None:
        reference["apiVersion"] = reference.get("apiVersion") or "v1"


def default_items(items: Sequence[Object] | None) -> None:
    """Fill in the items of a downward API volume."""
    for item in items or ():
        default(item.get("fieldRef"))


def validate(path: str, reference: Object, allowed: Sequence[str]) -> list[FieldError]:
    """Check a fieldRef, whose plain paths must be among `allowed`."""
    for key in ("apiVersion", "fieldPath"):
        if not reference.get(key):
            return [fields.required(f"{path}.{key}")]
    wanted = reference["fieldPath"]
    if match := _subscript.fullmatch(wanted):
        return _subscripted(path, match[1], match[2])
    if wanted not in _KNOWN:
        text = f"error converting fieldPath: field label not supported: {wanted}"
        return [fields.invalid(f"{path}.fieldPath", wanted, text)]
    return [] if wanted in allowed else [fields.not_supported(f"{path}.fieldPath", wanted, allowed)]


def _subscripted(path: str, base: str, key: str) -> list[FieldError]:
    if base == "metadata.annotations":
        return checks.named(path, key.lower(), names.qualified_name)
    if base == "metadata.labels":
        return checks.named(path, key, names.qualified_name)
    return [fields.invalid(path, base, "does not support subscript")]


def validate_resource(path: str, reference: Object, *, volume: bool = False) -> list[FieldError]:
    """Check a resourceFieldRef; in a volume it must say which container it means."""
    resource = reference.get("resource") or ""
    errors = []
    if volume and not reference.get("containerName"):
        errors.append(fields.required(f"{path}.containerName"))
    elif not resource:
        errors.append(fields.required(f"{path}.resource"))
    elif resource not in RESOURCES and not resource.startswith(("limits.hugepages-", "requests.hugepages-")):
        errors.append(fields.not_supported(f"{path}.resource", resource, RESOURCES))
    return errors + _divisor(f"{path}.divisor", resource, reference.get("divisor"))


def _divisor(path: str, resource: str, divisor: str | int | None) -> list[FieldError]:
    if not divisor or quantity.parse(divisor).nano == 0:
        return []
    shown = quantity.canonical(divisor)
    kind = resource.partition(".")[2]
    if kind == "cpu":
        if shown in ("1m", "1"):
            return []
        return [fields.invalid(path, resource, "only divisor's values 1m and 1 are supported with the cpu resource")]
    if shown in _SIZES:
        return []
    noun = "local ephemeral storage" if kind == "ephemeral-storage" else kind.partition("-")[0]
    text = f"only divisor's values {', '.join(_SIZES)} are supported with the {noun} resource"
    return [fields.invalid(path, resource, text)]


def validate_file(path: str, item: Object) -> list[FieldError]:
    """Check the source of one file of a downward API volume."""
    reference, resource = item.get("fieldRef"), item.get("resourceFieldRef")
    if reference is not None:
        errors = validate(f"{path}.fieldRef", reference, FILE_FIELDS)
        if resource is not None:
            text = "fieldRef and resourceFieldRef can not be specified simultaneously"
            errors.append(fields.invalid(path, "resource", text))
        return errors
    if resource is not None:
        return validate_resource(f"{path}.resourceFieldRef", resource, volume=True)
    return [fields.required(path, "one of fieldRef and resourceFieldRef is required")]
