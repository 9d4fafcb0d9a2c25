"""The records of a cluster, as pure look-ups over its objects (kubernetes/dns docs/specification.md, schema 1.1.0).

Names here are tuples of lower-case labels **relative to the cluster zone**, the zone itself being (). `Records` is kept
up to date object by object: the cost of a change follows the change.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from wherry.objects import Object
from wherry.objects.meaning import endpoints as meaning
from wherry.objects.meaning import services
from wherry.objects.meaning.wellknown import SYSTEM_NAMESPACE
from wherry.objects.metadata import Key
from wherry.objects.names import dns_label

Labels = tuple[str, ...]
Type = Literal["A", "AAAA", "SRV", "PTR", "CNAME", "TXT", "NS", "SOA"]
SCHEMA_VERSION = "1.1.0"
DASHED_IP = re.compile(r"\d+-\d+-\d+-\d+")


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `name` is relative to the zone; `data` is an address, a target or a text.

    A target is relative labels within the zone, or an absolute host name as a str. SRV also has weight and port.
    """

    name: Labels
    type: Type
    data: str | Labels
    port: int = 0
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """What a name holds: `records` of the type asked for (none: NODATA), and the addresses that go with SRV targets."""

    records: tuple[Record, ...] = ()
    extra: tuple[Record, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of a headless Service. `host` is its label: the hostname, or the dashed address."""

    address: str
    host: str
    named: bool
    ports: tuple[tuple[str, str, int], ...]


@dataclass(slots=True)
class _Service:
    cluster_ips: tuple[str, ...]
    external_name: str
    ports: tuple[tuple[str, str, int], ...]  # (name, protocol, port)
    publish_not_ready: bool

    @property
    def headless(self) -> bool:
        return not self.cluster_ips and not self.external_name


@dataclass(frozen=True, slots=True)
class _Slice:
    """The endpoints of an EndpointSlice: all, and those that are ready."""

    everybody: tuple[Endpoint, ...]
    ready: tuple[Endpoint, ...]

    @property
    def addresses(self) -> set[str]:
        return {endpoint.address for endpoint in self.everybody}


@dataclass
class Records:
    """The current records. `set_*` take the new object, or None with the key when it is gone."""

    pods: Literal["disabled", "insecure", "verified"] = "insecure"
    ignore_empty_service: bool = False
    _namespaces: set[str] = field(default_factory=set)
    _services: dict[tuple[str, str], _Service] = field(default_factory=dict)
    _slices: dict[Key, dict[str, _Slice]] = field(default_factory=dict)  # by Service, by the slice's name
    _slice_owner: dict[Key, Key] = field(default_factory=dict)
    _by_cluster_ip: dict[str, Key] = field(default_factory=dict)
    _by_endpoint_ip: dict[str, set[Key]] = field(default_factory=dict)  # keys of slices
    _pods: dict[Key, str] = field(default_factory=dict)
    _pod_ips: Counter[tuple[str, str]] = field(default_factory=Counter)

    def set_namespace(self, name: str, present: bool) -> None:
        """A namespace exists, or no longer does."""
        (self._namespaces.add if present else self._namespaces.discard)(name)

    def set_service(self, key: Key, obj: Object | None) -> None:
        """Take in one Service."""
        new = _service(obj) if obj else None
        old = self._services.pop(key, None)
        for ip in old.cluster_ips if old else ():
            if self._by_cluster_ip.get(ip) == key:  # or a successor has it already
                del self._by_cluster_ip[ip]
        if new is None:
            return
        self._services[key] = new
        for ip in new.cluster_ips:
            self._by_cluster_ip[ip] = key

    def set_slice(self, key: Key, obj: Object | None) -> None:
        """Take in one EndpointSlice; those of addressType FQDN hold no addresses."""
        owner = meaning.service_of(obj) if obj and meaning.holds_addresses(obj) else None
        new = _slice(obj) if obj and owner else None
        if before := self._slice_owner.pop(key, None):
            self._drop_slice(key, before)
        if new is None or owner is None:
            return
        self._slice_owner[key] = owner
        self._slices.setdefault(owner, {})[key[1]] = new
        for address in new.addresses:
            self._by_endpoint_ip.setdefault(address, set()).add(key)

    def _drop_slice(self, key: tuple[str, str], owner: tuple[str, str]) -> None:
        pieces = self._slices[owner]
        for address in pieces.pop(key[1]).addresses:
            holders = self._by_endpoint_ip[address]
            holders.discard(key)
            if not holders:
                del self._by_endpoint_ip[address]
        if not pieces:
            del self._slices[owner]

    def set_pod(self, key: Key, address: str) -> bool:
        """Take in a pod's address ("": it has none); return whether it changed. (Only for `pods verified`.)"""
        old = self._pods.pop(key, "")
        if old:
            self._pod_ips[key[0], old] -= 1
            if not self._pod_ips[key[0], old]:
                del self._pod_ips[key[0], old]
        if address:
            self._pods[key] = address
            self._pod_ips[key[0], address] += 1
        return address != old

    def find(self, name: Labels, type: str) -> Found | None:
        """Return what `name` (relative to the zone) holds of `type`; None means NXDOMAIN."""
        if not name:
            return self._apex(type)
        match name[-1]:
            case "svc":
                return self._service_name(name, type)
            case "pod":
                return self._pod_name(name, type)
            case "dns-version" if len(name) == 1:
                return Found((Record(name, "TXT", SCHEMA_VERSION),) if type == "TXT" else ())
            case "dns" if name in (("dns",), ("ns", "dns")):
                return Found(self._dns_addresses(name) if name == ("ns", "dns") and type == "A" else ())
        return None

    def reverse(self, address: str) -> tuple[Labels, ...]:
        """Return the names (relative to the zone) whose address this is: a Service's, or headless endpoints'."""
        key = self._by_cluster_ip.get(address)
        if key:
            return ((key[1], key[0], "svc"),)
        owners = {self._slice_owner[piece] for piece in self._by_endpoint_ip.get(address, ())}
        return tuple(
            (endpoint.host, service, namespace, "svc")
            for namespace, service in sorted(owners)
            if (namespace, service) in self._services and self._services[namespace, service].headless
            for endpoint in self._endpoints((namespace, service))
            if endpoint.address == address and endpoint.named
        )

    def _apex(self, type: str) -> Found:
        if type == "NS":
            target = ("ns", "dns")
            return Found((Record((), "NS", target),), self._dns_addresses(target))
        return Found()

    def _dns_addresses(self, name: Labels) -> tuple[Record, ...]:
        service = self._services.get((SYSTEM_NAMESPACE, "kube-dns"))
        return tuple(Record(name, "A", ip) for ip in (service.cluster_ips if service else ()))

    def _service_name(self, name: Labels, type: str) -> Found | None:
        if len(name) == 1:
            return Found()
        namespace = name[-2]
        if namespace not in self._namespaces:
            return None
        if len(name) == 2:
            return Found()
        key = namespace, name[-3]
        service = self._services.get(key)
        if service is None:
            return None
        rest = name[:-3]
        if service.external_name:
            return Found((Record(name, "CNAME", service.external_name),)) if not rest else None
        if service.headless:
            return self._headless(name, rest, key, service, type)
        return self._cluster_ip(name, rest, key, service, type)

    def _cluster_ip(
        self, name: Labels, rest: Labels, key: tuple[str, str], service: _Service, type: str
    ) -> Found | None:
        if self.ignore_empty_service and not self._endpoints(key):
            return None
        base = (key[1], key[0], "svc")
        addresses = tuple(Record(base, _family(ip), ip) for ip in service.cluster_ips)
        if not rest:
            if type == "SRV":
                records = tuple(Record(name, "SRV", base, port) for _, _, port in service.ports)
                return Found(_weighted(records), addresses)
            return Found(tuple(r for r in addresses if r.type == type))
        ports = _ports_named(service.ports, rest)
        if ports is None:
            return None
        if type != "SRV":
            return Found()
        return Found(_weighted(tuple(Record(name, "SRV", base, p) for p in ports)), addresses)

    def _headless(self, name: Labels, rest: Labels, key: tuple[str, str], service: _Service, type: str) -> Found | None:
        endpoints = self._endpoints(key)
        base = (key[1], key[0], "svc")
        if not endpoints:
            return None
        if len(rest) == 1:
            endpoints = [e for e in endpoints if e.host == rest[0]]
            if not endpoints:
                return None
        elif rest:
            named = [(e, p) for e in endpoints for p in _ports_named(e.ports, rest) or ()]
            if not named:
                return None
            return _srv(name, base, named) if type == "SRV" else Found()
        if type == "SRV":
            return _srv(name, base, [(e, port) for e in endpoints for _, _, port in e.ports])
        return Found(
            tuple(Record(name, _family(e.address), e.address) for e in endpoints if _family(e.address) == type)
        )

    def _endpoints(self, key: tuple[str, str]) -> list[Endpoint]:
        service = self._services.get(key)
        all_of_them = service is not None and service.publish_not_ready
        found: dict[tuple[str, str], Endpoint] = {}
        for piece in self._slices.get(key, {}).values():
            for endpoint in piece.everybody if all_of_them else piece.ready:
                found[endpoint.address, endpoint.host] = endpoint
        return sorted(found.values(), key=lambda e: (e.address, e.host))

    def _pod_name(self, name: Labels, type: str) -> Found | None:
        if self.pods == "disabled":
            return None
        if len(name) == 1:
            return Found()
        namespace = name[-2]
        if namespace not in self._namespaces:
            return None
        if len(name) == 2:
            return Found()
        if len(name) > 3 or not DASHED_IP.fullmatch(name[0]):
            return None
        address = name[0].replace("-", ".")
        if any(int(part) > 255 for part in address.split(".")):
            return None
        if self.pods == "verified" and (namespace, address) not in self._pod_ips:
            return None
        return Found((Record(name, "A", address),) if type == "A" else ())


def _service(service: Object) -> _Service:
    spec = service["spec"]
    external = services.is_external_name(service)
    return _Service(
        cluster_ips=services.cluster_ips(service),
        external_name=(spec.get("externalName") or "").rstrip(".") + "." if external else "",
        ports=tuple((p.get("name") or "", services.protocol(p).lower(), p["port"]) for p in services.ports(service)),
        publish_not_ready=services.publishes_unready(service),
    )


def _slice(piece: Object) -> _Slice:
    ports = tuple((name, protocol.lower(), number) for name, protocol, number in meaning.ports(piece))
    entries = meaning.endpoints(piece)
    return _Slice(
        everybody=tuple(e for entry in entries for e in _endpoints(entry, ports)),
        ready=tuple(e for entry in entries if meaning.is_ready(entry) for e in _endpoints(entry, ports)),
    )


def _endpoints(entry: Object, ports: tuple[tuple[str, str, int], ...]) -> Iterable[Endpoint]:
    hostname = (entry.get("hostname") or "").lower()
    hostname = "" if dns_label(hostname) else hostname
    for address in entry["addresses"]:
        yield Endpoint(address, hostname or re.sub(r"[.:]", "-", address), bool(hostname), ports)


def _ports_named(ports: Iterable[tuple[str, str, int]], rest: Labels) -> list[int] | None:
    """Return the ports a `_port._protocol` prefix names (each with `_` in front); None: no such name."""
    if len(rest) != 2 or not all(label.startswith("_") for label in rest):
        return None
    name, protocol = rest[0][1:], rest[1][1:]
    found = [port for n, p, port in ports if n and n == name and p == protocol]
    return found or None


def _srv(name: Labels, base: Labels, named: list[tuple[Endpoint, int]]) -> Found:
    records = tuple(Record(name, "SRV", (e.host, *base), port) for e, port in named)
    extra = {(e.host, e.address): Record((e.host, *base), _family(e.address), e.address) for e, _ in named}
    return Found(_weighted(records), tuple(extra.values()))


def _weighted(records: tuple[Record, ...]) -> tuple[Record, ...]:
    """Share a weight of 100 evenly between SRV records, as CoreDNS does."""
    weight = max(1, 100 // len(records)) if records else 0
    return tuple(Record(r.name, r.type, r.data, r.port, weight) for r in records)


def _family(address: str) -> Literal["A", "AAAA"]:
    return "AAAA" if ":" in address else "A"
