"""ConfigMap (core/v1).

Source: k8s.io/kubernetes pkg/apis/core/validation/validation.go (ValidateConfigMap, ValidateConfigMapUpdate).
"""

from __future__ import annotations

from wherry.apiserver.kind import Column, Kind
from wherry.apiserver.kinds.common import checks
from wherry.apiserver.kinds.core import base64data
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError
from wherry.objects.resource import CONFIG_MAPS

LIMIT = 1024 * 1024
"""Bytes of all values of a ConfigMap or of a Secret together."""


def _validate(obj: Object) -> list[FieldError]:
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    errors = []
    for key in data:
        errors += checks.named(f"data[{key}]", key, names.config_key)
        if key in binary:
            errors.append(fields.invalid(f"data[{key}]", key, "duplicate of key present in binaryData"))
    for key in binary:
        errors += checks.named(f"binaryData[{key}]", key, names.config_key)
    size = sum(len(value.encode()) for value in data.values()) + base64data.size(binary)
    return [*errors, fields.too_long("", LIMIT)] if size > LIMIT else errors


CONFIG_MAP = Kind(
    resource=CONFIG_MAPS,
    short_names=("cm",),
    validate=_validate,
    validate_update=lambda new, old: checks.frozen(new, old, ("data", "binaryData")),
    columns=(Column("Data", lambda obj: len(obj.get("data") or {}) + len(obj.get("binaryData") or {})),),
)
