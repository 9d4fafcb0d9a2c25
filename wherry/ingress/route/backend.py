"""Backends: a Service and one of its ports, and the endpoints that are ready behind it.

The key of a backend is `namespace/service/port`. None of the three can hold a slash, so no two backends share a key;
joined with hyphens, `a-b/c` and `a/b-c` did (CVE-2020-8553).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from wherry.ingress.route import problem
from wherry.objects import Object
from wherry.objects.meaning import endpoints as meaning
from wherry.objects.meaning.services import is_external_name
from wherry.objects.meaning.services import ports as service_ports
from wherry.objects.meaning.services import protocol as protocol_of


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """An address and port that takes connections. IPv6 addresses are without brackets."""

    address: str
    port: int


@dataclass(frozen=True, slots=True, order=True)
class BackendRef:
    """What a rule points at; `port` is a Service port's name, or its number as text."""

    namespace: str
    service: str
    port: str

    @property
    def key(self) -> str:
        """Return the name this backend has inside nginx."""
        return f"{self.namespace}/{self.service}/{self.port}"


@dataclass(frozen=True, slots=True)
class Backend:
    """A backend and its ready endpoints, in order; without any, the answer is 503.

    `trouble` is the (reason, message) of a problem with the Service, for those who point at it.
    """

    ref: BackendRef
    endpoints: tuple[Endpoint, ...] = ()
    trouble: tuple[str, str] | None = None


def resolve(ref: BackendRef, service: Object | None, sources: Iterable[Object]) -> Backend:
    """Return the backend `ref` stands for; `sources` are the Service's EndpointSlices, or its Endpoints object."""
    if service is None:
        return Backend(ref, (), (problem.NO_SERVICE, f"Service {ref.namespace}/{ref.service} does not exist"))
    if is_external_name(service):
        message = f"Service {ref.namespace}/{ref.service} is of type ExternalName, which is not supported"
        return Backend(ref, (), (problem.EXTERNAL_NAME, message))
    port = find_port(service, ref.port)
    if port is None:
        message = f"Service {ref.namespace}/{ref.service} has no TCP port {ref.port}"
        return Backend(ref, (), (problem.NO_PORT, message))
    name = port.get("name") or ""
    found: set[Endpoint] = set()
    for source in sources:
        found |= _of_endpoints(source, name) if "subsets" in source else _of_slice(source, name)
    return Backend(ref, tuple(sorted(found)))


def find_port(service: Object, wanted: str, protocol: str = "TCP") -> Object | None:
    """Return the Service's port by its name or number, or else by its targetPort, as ingress-nginx also accepts."""
    ports: list[Object] = [p for p in service_ports(service) if protocol_of(p) == protocol]
    for matches in (_is_port, _is_target):
        for port in ports:
            if matches(port, wanted):
                return port
    return None


def _is_port(port: Object, wanted: str) -> bool:
    return wanted in (port.get("name"), str(port["port"]))


def _is_target(port: Object, wanted: str) -> bool:
    return wanted == str(port.get("targetPort", ""))


def _of_slice(slice_: Object, port_name: str) -> set[Endpoint]:
    if not meaning.holds_addresses(slice_):
        return set()
    ports = [port.number for port in meaning.ports(slice_) if port.name == port_name]
    ready = [e for e in meaning.endpoints(slice_) if meaning.is_ready(e)]
    return {Endpoint(a, port) for port in ports for e in ready for a in e["addresses"] if _is_address(a)}


def _of_endpoints(endpoints: Object, port_name: str) -> set[Endpoint]:
    return {
        Endpoint(address["ip"], port["port"])
        for subset in endpoints["subsets"] or ()
        for port in subset.get("ports") or ()
        if (port.get("name") or "") == port_name
        for address in subset.get("addresses") or ()
        if _is_address(address["ip"])
    }


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
