"""EndpointSlice (discovery.k8s.io/v1).

Source: k8s.io/kubernetes pkg/apis/discovery/v1/defaults.go, pkg/apis/discovery/validation/validation.go,
pkg/printers/internalversion/printers.go (printEndpointSlice).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wherry.apiserver.kind import Column, Kind
from wherry.apiserver.kinds.common import cells, checks
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError
from wherry.objects.family import Family, family_of
from wherry.objects.resource import ENDPOINT_SLICES

ADDRESS_TYPES = ("FQDN", *map(str, Family))
MAX_ENDPOINTS = 1000
MAX_ADDRESSES = 100
MAX_PORTS = 100
MAX_HINTS = 8
_SHOWN = 3
_UNSET = "<unset>"


def _default(obj: Object) -> None:
    for port in obj.get("ports") or ():
        port.setdefault("name", "")
        port["protocol"] = port.get("protocol") or "TCP"


def _validate(obj: Object) -> list[FieldError]:
    kind = obj.get("addressType")
    return [
        *checks.one_of("addressType", kind, ADDRESS_TYPES),
        *_endpoints(obj.get("endpoints") or (), kind or ""),
        *_ports(obj.get("ports") or ()),
    ]


def _endpoints(endpoints: Sequence[Object], kind: str) -> Iterator[FieldError]:
    if len(endpoints) > MAX_ENDPOINTS:
        yield fields.too_many("endpoints", len(endpoints), MAX_ENDPOINTS)
        return
    for i, endpoint in enumerate(endpoints):
        path, addresses = f"endpoints[{i}]", endpoint.get("addresses") or ()
        if not addresses:
            yield fields.required(f"{path}.addresses", "must contain at least 1 address")
        elif len(addresses) > MAX_ADDRESSES:
            yield fields.too_many(f"{path}.addresses", len(addresses), MAX_ADDRESSES)
        for j, address in enumerate(addresses):
            yield from _address(f"{path}.addresses[{j}]", address, kind)
        if (node := endpoint.get("nodeName")) is not None:
            yield from checks.named(f"{path}.nodeName", node, names.dns_subdomain)
        if (host := endpoint.get("hostname")) is not None:
            yield from checks.named(f"{path}.hostname", host, names.dns_label)
        yield from _hints(f"{path}.hints", endpoint.get("hints") or {})


def _hints(path: str, hints: Object) -> Iterator[FieldError]:
    for key, check in (("forZones", names.qualified_name), ("forNodes", names.dns_subdomain)):
        here, given = f"{path}.{key}", [hint.get("name") or "" for hint in hints.get(key) or ()]
        if len(given) > MAX_HINTS:
            yield fields.too_many(here, len(given), MAX_HINTS)
            continue
        for i, name in enumerate(given):
            yield from checks.named(f"{here}[{i}].name", name, check)
            if name in given[:i]:
                yield fields.duplicate(f"{here}[{i}].name", name)


def _address(path: str, address: str, kind: str) -> Iterator[FieldError]:
    if kind == "FQDN":
        yield from checks.named(path, address, names.dns_subdomain)
    elif kind in list(Family):
        if checks.ip(path, address) or family_of(address) != kind:
            yield fields.invalid(path, address, f"must be a valid {kind} address")
        yield from checks.ordinary_ip(path, address)


def _ports(ports: Sequence[Object]) -> Iterator[FieldError]:
    if len(ports) > MAX_PORTS:
        yield fields.too_many("ports", len(ports), MAX_PORTS)
        return
    seen = set()
    for i, port in enumerate(ports):
        path, name = f"ports[{i}]", port.get("name") or ""
        if name:
            yield from checks.named(f"{path}.name", name, names.dns_label)
        if name in seen:
            yield fields.duplicate(f"{path}.name", name)
        seen.add(name)
        if (number := port.get("port")) is not None:
            yield from checks.port(f"{path}.port", number)
        yield from checks.one_of(f"{path}.protocol", port.get("protocol"), checks.PROTOCOLS)
        if (protocol := port.get("appProtocol")) is not None:
            yield from checks.named(f"{path}.appProtocol", protocol, names.qualified_name)


def _port_numbers(obj: Object) -> str:
    ports = obj.get("ports") or ()
    shown = [str(p["port"]) if p.get("port") is not None else p.get("name") or "*" for p in ports]
    return cells.first(shown, _SHOWN) or _UNSET


def _addresses(obj: Object) -> str:
    shown = [address for e in obj.get("endpoints") or () for address in e.get("addresses") or ()]
    return cells.first(shown, _SHOWN) or _UNSET


ENDPOINT_SLICE = Kind(
    resource=ENDPOINT_SLICES,
    default=_default,
    validate=_validate,
    validate_update=lambda new, old: checks.immutable("addressType", new.get("addressType"), old.get("addressType")),
    generation=True,
    columns=(
        Column("AddressType", lambda obj: cells.text(obj, "addressType")),
        Column("Ports", _port_numbers),
        Column("Endpoints", _addresses),
    ),
)
