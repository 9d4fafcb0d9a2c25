"""A folder or file of a node, as a volume of a pod or a PersistentVolume.

Source: k8s.io/kubernetes pkg/apis/core/validation/validation.go (validateHostPathVolumeSource,
validateLocalVolumeSource).
"""

from __future__ import annotations

from wherry.objects import Object, fields
from wherry.objects.errors import FieldError

_TYPES = (
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)


def validate(path: str, source: Object) -> list[FieldError]:
    """Check a hostPath source."""
    errors = validate_local(path, source)
    if source.get("path") and (kind := source.get("type") or "") not in _TYPES:
        errors.append(fields.not_supported(f"{path}.type", kind, _TYPES))
    return errors


def validate_local(path: str, source: Object) -> list[FieldError]:
    """Check the path of a source that has nothing else to check."""
    if not source.get("path"):
        return [fields.required(f"{path}.path")]
    return no_backsteps(f"{path}.path", source["path"])


def descending(path: str, value: str) -> list[FieldError]:
    """Check that a path leads downwards from where it starts."""
    errors = [fields.invalid(path, value, "must be a relative path")] if value.startswith("/") else []
    return errors + no_backsteps(path, value)


def no_backsteps(path: str, value: str) -> list[FieldError]:
    """Check that a path does not lead upwards."""
    return [fields.invalid(path, value, "must not contain '..'")] if ".." in value.split("/") else []
