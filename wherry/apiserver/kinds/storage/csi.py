"""What the kinds of CSI drivers share: the name of a driver, the parameters of a class.

Source: k8s.io/kubernetes pkg/apis/core/validation/validation.go (ValidateCSIDriverName).
"""

from __future__ import annotations

from wherry.apiserver.kind import Context
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError

NOT_ACTED_UPON = "CSI drivers are not supported by wherry: the object is kept, and no node mounts volumes of it"
_LONGEST = 63
_MOST_PARAMETERS, _MOST_BYTES = 512, 256 * 1024


def warn(new: Object, old: Object | None, context: Context) -> None:
    """Say to whoever creates an object of a driver's that nothing will come of it."""
    if old is None:
        context.warn(NOT_ACTED_UPON)


def driver_name(path: str, name: str) -> list[FieldError]:
    """Check the name of a driver."""
    if not name:
        return [fields.required(path)]
    errors = [fields.too_long(path, _LONGEST)] if len(name) > _LONGEST else []
    return errors + [fields.invalid(path, name, text) for text in names.dns_subdomain(name.lower())]


def provisioner(path: str, name: str) -> list[FieldError]:
    """Check the name of who makes volumes: a driver, or a program in the cluster."""
    if not name:
        return [fields.required(path)]
    return [fields.invalid(path, name.lower(), text) for text in names.qualified_name(name.lower())]


def parameters(path: str, given: dict[str, str], *, needed: bool = False) -> list[FieldError]:
    """Check the parameters of a class: opaque to everybody but the driver, and bounded."""
    if len(given) > _MOST_PARAMETERS:
        return [fields.too_long(path, _MOST_PARAMETERS)]
    errors = [fields.invalid(path, key, "field can not be empty.") for key in given if not key]
    if sum(len(k) + len(v) for k, v in given.items()) > _MOST_BYTES:
        errors.append(fields.too_long(path, _MOST_BYTES))
    if needed and not given:
        errors.append(fields.required(path, "must contain at least one key/value pair"))
    return errors
