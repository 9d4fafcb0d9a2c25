"""Endpoints (core/v1).

Source: k8s.io/kubernetes pkg/apis/core/validation/validation.go (ValidateEndpoints),
pkg/printers/internalversion/printers.go (formatEndpoints).
"""

from __future__ import annotations

from collections.abc import Iterator

from wherry.apiserver.kind import Column, Kind
from wherry.apiserver.kinds.common import cells, checks
from wherry.objects import Object, fields, names, resource
from wherry.objects.errors import FieldError
from wherry.objects.family import bracketed

_SHOWN = 3


def _default(obj: Object) -> None:
    for subset in obj.get("subsets") or ():
        for port in subset.get("ports") or ():
            port["protocol"] = port.get("protocol") or "TCP"


def _validate(obj: Object) -> list[FieldError]:
    errors: list[FieldError] = []
    for i, subset in enumerate(obj.get("subsets") or ()):
        path, ports = f"subsets[{i}]", subset.get("ports") or ()
        if not subset.get("addresses") and not subset.get("notReadyAddresses"):
            errors.append(fields.required(path, "must specify `addresses` or `notReadyAddresses`"))
        for key in ("addresses", "notReadyAddresses"):
            for j, address in enumerate(subset.get(key) or ()):
                errors += _address(f"{path}.{key}[{j}]", address)
        for j, port in enumerate(ports):
            errors += _port(f"{path}.ports[{j}]", port, len(ports) > 1)
    return errors


def _address(path: str, address: Object) -> Iterator[FieldError]:
    ip = address.get("ip") or ""
    yield from checks.ip(f"{path}.ip", ip)
    if host := address.get("hostname"):
        yield from checks.named(f"{path}.hostname", host, names.dns_label)
    if (node := address.get("nodeName")) is not None:
        yield from checks.named(f"{path}.nodeName", node, names.dns_subdomain)
    yield from checks.ordinary_ip(f"{path}.ip", ip)


def _port(path: str, port: Object, name_required: bool) -> Iterator[FieldError]:
    if name := port.get("name"):
        yield from checks.named(f"{path}.name", name, names.dns_label)
    elif name_required:
        yield fields.required(f"{path}.name")
    yield from checks.port(f"{path}.port", port.get("port"))
    yield from checks.one_of(f"{path}.protocol", port.get("protocol"), checks.PROTOCOLS)
    if (protocol := port.get("appProtocol")) is not None:
        yield from checks.named(f"{path}.appProtocol", protocol, names.qualified_name)


def _ready(obj: Object) -> Iterator[str]:
    for subset in obj.get("subsets") or ():
        addresses = [a.get("ip") or "" for a in subset.get("addresses") or ()]
        if not subset.get("ports"):
            yield from addresses
        for port in subset.get("ports") or ():
            for ip in addresses:
                yield f"{bracketed(ip)}:{port.get('port')}"


def _endpoints(obj: Object) -> str:
    if not obj.get("subsets"):
        return cells.NONE
    return cells.first(list(_ready(obj)), _SHOWN)


ENDPOINTS = Kind(
    resource=resource.ENDPOINTS,
    short_names=("ep",),
    create_on_update=True,
    default=_default,
    validate=_validate,
    columns=(Column("Endpoints", _endpoints),),
)
