"""The endpoints of a Service as DNS sees them: an address, its label, its ports (discovery.k8s.io EndpointSlice)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from wherry.objects import Object
from wherry.objects.meaning import endpoints as meaning
from wherry.objects.names import dns_label

Ports = tuple[tuple[str, str, int], ...]
"""(name, lower-case protocol, number) of each."""
LONGEST_LABEL = 63


@dataclass(frozen=True, slots=True)
class Naming:
    """What an endpoint without a hostname is called: after its pod (`endpoint_pod_names`), or its address."""

    pod_names: bool = False

    def host(self, entry: Object, address: str) -> tuple[str, bool]:
        """Return an endpoint's label, and whether it is one somebody chose."""
        hostname = (entry.get("hostname") or "").lower()
        if hostname and not dns_label(hostname):
            return hostname, True
        target = entry.get("targetRef") or {}
        if self.pod_names and target.get("kind") == "Pod" and 0 < len(target.get("name") or "") <= LONGEST_LABEL:
            return target["name"].lower(), True
        return re.sub(r"[.:]", "-", address), False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address. `host` is its label, `named` whether it has one besides the address, `packed` its bytes."""

    address: str
    packed: bytes
    host: str
    named: bool
    ports: Ports


@dataclass(frozen=True, slots=True)
class Slice:
    """The endpoints of an EndpointSlice: all, and those that are ready."""

    everybody: tuple[Endpoint, ...]
    ready: tuple[Endpoint, ...]

    @staticmethod
    def of(piece: Object, naming: Naming) -> Slice:
        """Read an EndpointSlice; raises ValueError for what is no address."""
        ports = tuple((name, protocol.lower(), number) for name, protocol, number in meaning.ports(piece))
        entries = [(entry, tuple(_endpoints(entry, ports, naming))) for entry in meaning.endpoints(piece)]
        return Slice(
            everybody=tuple(e for _, made in entries for e in made),
            ready=tuple(e for entry, made in entries if meaning.is_ready(entry) for e in made),
        )

    @property
    def addresses(self) -> set[str]:
        """The addresses of all."""
        return {endpoint.address for endpoint in self.everybody}


def _endpoints(entry: Object, ports: Ports, naming: Naming) -> Iterable[Endpoint]:
    for address in entry["addresses"]:
        host, named = naming.host(entry, address)
        yield Endpoint(address, ip_address(address).packed, host, named, ports)


def merged(pieces: Iterable[Slice], everybody: bool) -> tuple[Endpoint, ...]:
    """Return the endpoints of a Service's slices, each once with the ports it has in any of them, sorted."""
    found: dict[tuple[str, str], Endpoint] = {}
    for piece in pieces:
        for endpoint in piece.everybody if everybody else piece.ready:
            key = endpoint.address, endpoint.host
            old = found.get(key)
            if old and old.ports != endpoint.ports:
                ports = tuple(dict.fromkeys((*old.ports, *endpoint.ports)))
                endpoint = Endpoint(endpoint.address, endpoint.packed, endpoint.host, endpoint.named, ports)
            found[key] = endpoint
    return tuple(found[key] for key in sorted(found))
