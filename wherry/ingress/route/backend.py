"""Backends: a Service and one of its ports, and the endpoints that are ready behind it.

The key of a backend is `namespace/service/port`. None of the three can hold a slash, so no two backends share a key;
joined with hyphens, `a-b/c` and `a/b-c` did (CVE-2020-8553).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from wherry.ingress.route import problem
from wherry.objects import Object
from wherry.objects.meaning import endpoints as meaning
from wherry.objects.meaning.services import cluster_ips, is_external_name, is_port
from wherry.objects.meaning.services import ports as service_ports
from wherry.objects.meaning.services import protocol as protocol_of


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """An address and port that takes connections. IPv6 addresses are without brackets."""

    address: str
    port: int


@dataclass(frozen=True, slots=True, order=True)
class BackendRef:
    """What a rule points at; `port` is a Service port's name, or its number as text, or "" for the first one.

    `as_service`: its cluster IP is the only endpoint.
    """

    namespace: str
    service: str
    port: str
    as_service: bool = False

    @property
    def key(self) -> str:
        """Return the name this backend has inside nginx."""
        return f"{self.namespace}/{self.service}/{self.port}{':service' if self.as_service else ''}"


@dataclass(frozen=True, slots=True)
class Backend:
    """A backend and its ready endpoints, in order; without any, the answer is 503.

    `trouble` is the (reason, message) of a problem with the Service, for those who point at it. `host`: the name whose
    addresses the endpoints are, of a Service of type ExternalName.
    """

    ref: BackendRef
    endpoints: tuple[Endpoint, ...] = ()
    trouble: tuple[str, str] | None = None
    host: str = ""


Look = Callable[[str], Sequence[str]]
"""Returns the addresses of a host's name, as far as they are known by now."""


def resolve(ref: BackendRef, service: Object | None, sources: Iterable[Object], look: Look = lambda _: ()) -> Backend:
    """Return the backend `ref` stands for; `sources` are the Service's EndpointSlices, or its Endpoints object."""
    if service is None:
        return Backend(ref, (), (problem.NO_SERVICE, f"Service {ref.namespace}/{ref.service} does not exist"))
    if is_external_name(service):
        return _elsewhere(ref, service, look)
    port = find_port(service, ref.port)
    if port is None:
        message = f"Service {ref.namespace}/{ref.service} has no TCP port {ref.port}"
        return Backend(ref, (), (problem.NO_PORT, message))
    if ref.as_service:
        return Backend(ref, tuple(Endpoint(address, port["port"]) for address in cluster_ips(service)[:1]))
    name = port.get("name") or ""
    found: set[Endpoint] = set()
    for source in sources:
        found |= _of_endpoints(source, name) if "subsets" in source else _of_slice(source, name)
    return Backend(ref, tuple(sorted(found)))


def _elsewhere(ref: BackendRef, service: Object, look: Look) -> Backend:
    """Return the backend of an ExternalName: the port is the Service's targetPort, or the rule's where it has none.

    This machine is nobody's ExternalName, or its health port and others' would be (ingress-nginx' `getEndpoints`).
    """
    host, what = service["spec"].get("externalName") or "", f"ExternalName Service {ref.namespace}/{ref.service}"
    port = _port_elsewhere(ref, service)
    if port is None:
        return Backend(ref, (), (problem.NO_PORT, f"{what} has no port {ref.port} with a number as targetPort"))
    addresses = [host] if _is_address(host) else look(host)
    usable = [address for address in addresses if not _is_here(address)]
    if len(usable) < len(addresses) or host == "localhost":
        return Backend(ref, (), (problem.EXTERNAL_NAME, f"{what} is {host}: the controller's own machine"), host)
    trouble = None if usable else (problem.EXTERNAL_NAME, f"{what}: {host} has no address known by now")
    return Backend(ref, tuple(Endpoint(address, port) for address in usable), trouble, host)


def _port_elsewhere(ref: BackendRef, service: Object) -> int | None:
    port = find_port(service, ref.port)
    if service_ports(service) and port is None:
        return None
    target = str(port.get("targetPort", port["port"]) if port else ref.port)
    return int(target) if target.isdecimal() and is_port(int(target)) else None


def find_port(service: Object, wanted: str, protocol: str = "TCP") -> Object | None:
    """Return the Service's port by its name or number, or else by its targetPort, as ingress-nginx also accepts.

    "" is the first port.
    """
    ports: list[Object] = [p for p in service_ports(service) if protocol_of(p) == protocol]
    if not wanted:
        return next(iter(ports), None)
    for matches in (_is_named, _is_target):
        for port in ports:
            if matches(port, wanted):
                return port
    return None


def _is_named(port: Object, wanted: str) -> bool:
    return wanted in (port.get("name"), str(port["port"]))


def _is_target(port: Object, wanted: str) -> bool:
    return wanted == str(port.get("targetPort", ""))


def _of_slice(slice_: Object, port_name: str) -> set[Endpoint]:
    if not meaning.holds_addresses(slice_):
        return set()
    ports = [port.number for port in meaning.ports(slice_) if port.name == port_name]
    ready = [e for e in meaning.endpoints(slice_) if meaning.is_ready(e)]
    return {Endpoint(a, port) for port in ports for e in ready for a in e["addresses"] if _is_address(a)}


def _is_here(text: str) -> bool:
    """Whether a connection to the address stays on this machine; 0.0.0.0 and :: do on Linux."""
    given = ip_address(text)
    address = getattr(given, "ipv4_mapped", None) or given
    return address.is_loopback or address.is_unspecified


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
