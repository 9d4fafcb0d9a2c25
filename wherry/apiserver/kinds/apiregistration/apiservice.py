"""APIService (apiregistration.k8s.io/v1): who serves a group and version, this server or one behind a Service.

Source: kube-aggregator pkg/apis/apiregistration/validation, pkg/registry/apiservice (strategy.go, etcd/printers).
"""

from __future__ import annotations

from collections.abc import Iterator

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.common import checks
from wherry.apiserver.kinds.common.defaults import fill
from wherry.objects import Object, fields, metadata, names
from wherry.objects.errors import FieldError
from wherry.objects.resource import API_SERVICES

HIGHEST_GROUP_PRIORITY, HIGHEST_VERSION_PRIORITY = 20000, 1000
AVAILABLE = "Available"
LOCAL = "Local", "Local APIServices are always available"
"""Reason and message of what this server serves itself."""


def _default(obj: Object) -> None:
    if service := (obj.get("spec") or {}).get("service"):
        fill(service, port=443)


def _prepare(new: Object, old: Object | None, context: Context) -> None:
    """Leave the status to who looks whether the service answers; without one there is nothing to look at."""
    if old is not None:
        return
    new.pop("status", None)
    if not (new.get("spec") or {}).get("service"):
        now = new["metadata"].get("creationTimestamp", "")
        new["status"] = {"conditions": metadata.set_condition((), AVAILABLE, "True", *LOCAL, now)}


def names_a_version(obj: Object) -> bool:
    """Return whether it names a group and version that can be served: by those everybody else's discovery is made."""
    return not any(_identity(obj))


def _validate(obj: Object) -> list[FieldError]:
    return [*_identity(obj), *_priorities(obj["spec"]), *_service(obj["spec"])]


def _identity(obj: Object) -> Iterator[FieldError]:
    spec, name = obj["spec"], obj["metadata"].get("name", "")
    group, version = spec.get("group") or "", spec.get("version") or ""
    if name != f"{version}.{group}":
        text = f'must be `spec.version+"."+spec.group`: {fields.quote(f"{version}.{group}")}'
        yield fields.invalid("metadata.name", name, text)
    if not group and version != "v1":
        yield fields.required("spec.group", "only v1 may have an empty group and it better be legacy kube")
    if group:
        yield from checks.named("spec.group", group, names.dns_subdomain)
    yield from checks.named("spec.version", version, names.service_name)


def _priorities(spec: Object) -> Iterator[FieldError]:
    for key, highest in (
        ("groupPriorityMinimum", HIGHEST_GROUP_PRIORITY),
        ("versionPriority", HIGHEST_VERSION_PRIORITY),
    ):
        value = spec.get(key) or 0
        if not 0 < value <= highest:
            yield fields.invalid(f"spec.{key}", value, f"must be positive and less than {highest}")


def _service(spec: Object) -> Iterator[FieldError]:
    service, bundle, insecure = spec.get("service"), spec.get("caBundle"), spec.get("insecureSkipTLSVerify")
    if service is None:
        if bundle:
            yield fields.invalid("spec.caBundle", bundle, "local APIServices may not have a caBundle")
        if insecure:
            text = "local APIServices may not have insecureSkipTLSVerify"
            yield fields.invalid("spec.insecureSkipTLSVerify", insecure, text)
        return
    yield from (fields.required(f"spec.service.{key}") for key in ("namespace", "name") if not service.get(key))
    port = service.get("port", 443)
    if not 0 < port < 1 << 16:
        text = "port is not valid: must be between 1 and 65535, inclusive"
        yield fields.invalid("spec.service.port", port, text)
    if insecure and bundle:
        yield fields.invalid("spec.insecureSkipTLSVerify", insecure, "may not be true if caBundle is present")


def _served_by(obj: Object) -> str:
    service = (obj.get("spec") or {}).get("service")
    return f"{service.get('namespace', '')}/{service.get('name', '')}" if service else "Local"


def _available(obj: Object) -> str:
    """Return the condition's status, and why it is not True."""
    condition = metadata.condition(obj, AVAILABLE)
    if condition is None:
        return "Unknown"
    status, reason = condition.get("status", "Unknown"), condition.get("reason", "")
    return status if status == "True" else f"{status} ({reason})"


API_SERVICE = Kind(
    resource=API_SERVICES,
    categories=("api-extensions",),
    default=_default,
    prepare=_prepare,
    validate=_validate,
    has_status=True,
    name_pattern="path-segment",
    columns=(
        Column("Service", _served_by, description="The reference to the service that hosts this API endpoint."),
        Column("Available", _available, description="Whether this service is available."),
    ),
)
