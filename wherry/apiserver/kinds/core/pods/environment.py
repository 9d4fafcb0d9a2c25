"""A container's environment: `env` and `envFrom`.

Source: k8s.io/kubernetes pkg/apis/core/validation/validation.go (ValidateEnv, ValidateEnvFrom).
"""

from __future__ import annotations

from wherry.apiserver.kinds.common import checks
from wherry.apiserver.kinds.core.pods import fieldref
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError

_KEY_REFERENCES = ("configMapKeyRef", "secretKeyRef")


def default(container: Object) -> None:
    """Fill in the environment of a container."""
    for variable in container.get("env") or ():
        fieldref.default((variable.get("valueFrom") or {}).get("fieldRef"))


def validate(path: str, container: Object) -> list[FieldError]:
    """Check `env` and `envFrom` of the container at `path`."""
    errors = []
    for i, variable in enumerate(container.get("env") or ()):
        here = f"{path}.env[{i}]"
        errors += checks.required_name(f"{here}.name", variable.get("name"), names.env_name)
        errors += _value_from(f"{here}.valueFrom", variable)
    for i, source in enumerate(container.get("envFrom") or ()):
        errors += _source(f"{path}.envFrom", i, source)
    return errors


def _value_from(path: str, variable: Object) -> list[FieldError]:
    source = variable.get("valueFrom")
    if source is None:
        return []
    errors = []
    if (reference := source.get("fieldRef")) is not None:
        errors += fieldref.validate(f"{path}.fieldRef", reference, fieldref.ENV_FIELDS)
    if (reference := source.get("resourceFieldRef")) is not None:
        errors += fieldref.validate_resource(f"{path}.resourceFieldRef", reference)
    for kind in _KEY_REFERENCES:
        if (reference := source.get(kind)) is not None:
            errors += _key_reference(f"{path}.{kind}", reference)
    count = sum(source.get(kind) is not None for kind in ("fieldRef", "resourceFieldRef", *_KEY_REFERENCES))
    if not count:
        text = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
        errors.append(fields.invalid(path, "", text))
    elif variable.get("value"):
        errors.append(fields.invalid(path, "", "may not be specified when `value` is not empty"))
    elif count > 1:
        errors.append(fields.invalid(path, "", "may not have more than one field specified at a time"))
    return errors


def _key_reference(path: str, reference: Object) -> list[FieldError]:
    errors = checks.named(f"{path}.name", reference.get("name") or "", names.dns_subdomain)
    return errors + checks.required_name(f"{path}.key", reference.get("key"), names.config_key)


def _source(path: str, index: int, source: Object) -> list[FieldError]:
    here = f"{path}[{index}]"
    errors = []
    if prefix := source.get("prefix"):
        errors += checks.named(f"{here}.prefix", prefix, names.env_name)
    given = [kind for kind in ("configMapRef", "secretRef") if source.get(kind) is not None]
    for kind in given:
        errors += checks.required_name(f"{here}.{kind}.name", source[kind].get("name"), names.dns_subdomain)
    if not given:
        errors.append(fields.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`"))
    elif len(given) > 1:
        errors.append(fields.invalid(path, "", "may not have more than one field specified at a time"))
    return errors
