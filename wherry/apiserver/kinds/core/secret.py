"""Secret (core/v1): its types and what each must hold.

Source: k8s.io/kubernetes pkg/apis/core/validation/validation.go (ValidateSecret), pkg/apis/core/v1/conversion.go
(stringData).
"""

from __future__ import annotations

import json

from wherry.apiserver.kind import Column, Kind
from wherry.apiserver.kinds.common import cells, checks
from wherry.apiserver.kinds.core import base64data
from wherry.apiserver.kinds.core.configmap import LIMIT
from wherry.objects import Object, fields, metadata, names
from wherry.objects.errors import FieldError
from wherry.objects.meaning import wellknown
from wherry.objects.resource import SECRETS

OPAQUE = "Opaque"
# type -> the keys of which all must be there
_REQUIRED = {
    wellknown.TLS_SECRET: ("tls.crt", "tls.key"),
    wellknown.SSH_SECRET: ("ssh-privatekey",),
    wellknown.DOCKERCFG_SECRET: (".dockercfg",),
    wellknown.DOCKER_CONFIG_SECRET: (".dockerconfigjson",),
}
_JSON = (wellknown.DOCKERCFG_SECRET, wellknown.DOCKER_CONFIG_SECRET)


def _default(obj: Object) -> None:
    obj["type"] = obj.get("type") or OPAQUE
    if plain := obj.pop("stringData", None):
        obj["data"] = {**(obj.get("data") or {}), **{k: base64data.encode(v) for k, v in plain.items()}}


def _validate(obj: Object) -> list[FieldError]:
    data: dict[str, str] = obj.get("data") or {}
    errors = []
    for key in data:
        errors += checks.named(f"data[{key}]", key, names.config_key)
    if base64data.size(data) > LIMIT:
        errors.append(fields.too_long("data", LIMIT))
    return errors + _by_type(obj, obj["type"], data)


def _by_type(obj: Object, kind: str, data: dict[str, str]) -> list[FieldError]:
    if kind == wellknown.ACCOUNT_TOKEN_SECRET:
        named = metadata.annotations(obj).get(wellknown.ACCOUNT_NAME)
        return [] if named else [fields.required(f"metadata.annotations[{wellknown.ACCOUNT_NAME}]")]
    if kind == wellknown.BASIC_AUTH_SECRET:
        keys = ("username", "password")
        return [] if any(key in data for key in keys) else [fields.required(f"data[{key}]") for key in keys]
    wanted = _REQUIRED.get(kind, ())
    empty_counts = kind == wellknown.SSH_SECRET
    missing = [key for key in wanted if (not data.get(key) if empty_counts else key not in data)]
    if missing:
        return [fields.required(f"data[{key}]") for key in missing]
    return _json(wanted[0], data[wanted[0]]) if kind in _JSON else []


def _json(key: str, value: str) -> list[FieldError]:
    try:
        good = isinstance(json.loads(base64data.decode(value)), dict)
        why = "json: cannot unmarshal into Go value of type map[string]interface {}"
    except ValueError as error:
        good, why = False, str(error)
    return [] if good else [fields.invalid(f"data[{key}]", "<secret contents redacted>", why)]


def _validate_update(new: Object, old: Object) -> list[FieldError]:
    return checks.immutable("type", new["type"], old.get("type")) + checks.frozen(new, old, ("data",))


SECRET = Kind(
    resource=SECRETS,
    default=_default,
    validate=_validate,
    validate_update=_validate_update,
    columns=(
        Column("Type", lambda obj: cells.text(obj, "type")),
        Column("Data", lambda obj: len(obj.get("data") or {})),
    ),
    fields={"type": lambda obj: cells.text(obj, "type")},
)
