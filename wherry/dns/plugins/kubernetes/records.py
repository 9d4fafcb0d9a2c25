"""The records of a cluster, as pure look-ups over its objects (kubernetes/dns docs/specification.md, schema 1.1.0).

Names here are tuples of lower-case labels **relative to the cluster zone**, the zone itself being (). `Records` is kept
up to date object by object: the cost of a change follows the change. Each change returns tags, and each look-up says
the tags it depends on: an answer is good until one of them is returned.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal, NamedTuple

from wherry.dns import names
from wherry.dns.plugins.kubernetes.endpoint import Endpoint, Naming, Ports, Slice, merged
from wherry.objects import Object
from wherry.objects.meaning import endpoints as meaning
from wherry.objects.meaning import services
from wherry.objects.meaning.wellknown import SYSTEM_NAMESPACE
from wherry.objects.metadata import Key

Labels = tuple[str, ...]
Type = Literal["A", "AAAA", "SRV", "PTR", "CNAME", "TXT", "NS", "SOA"]
SCHEMA_VERSION = "1.1.0"
DNS_SERVICE: Key = (SYSTEM_NAMESPACE, "kube-dns")


class Tag(NamedTuple):
    """Something that may change: a Service with its endpoints, a namespace, an address, a pod's address."""

    sort: Literal["service", "namespace", "address", "pod"]
    what: str | Key


class Record(NamedTuple):
    """One record. `name` is relative to the zone, `data` as the wire has it.

    `target` is instead of it where the data is a name within the zone: its labels. SRV also has weight and port.
    """

    name: Labels
    type: Type
    data: bytes = b""
    target: Labels = ()
    port: int = 0
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """What a name holds: `records` of the type asked for (none: NODATA), and the addresses that go with SRV targets.

    `exists` False: NXDOMAIN. `why` says so for people. `anybody`: there are as many such names as one makes up.
    """

    records: tuple[Record, ...] = ()
    extra: tuple[Record, ...] = ()
    exists: bool = True
    tags: tuple[Tag, ...] = ()
    why: str = ""
    anybody: bool = False


def nothing(why: str, *tags: Tag) -> Found:
    """Return NXDOMAIN, and why."""
    return Found(exists=False, tags=tags, why=why)


@dataclass(frozen=True, slots=True)
class _Service:
    cluster_ips: tuple[tuple[str, bytes], ...]
    external_name: bytes
    ports: Ports
    publish_not_ready: bool

    @property
    def headless(self) -> bool:
        return not self.cluster_ips and not self.external_name


@dataclass
class Records:
    """The current records. `set_*` take the new object, or None with the key when it is gone."""

    pods: Literal["disabled", "insecure", "verified"] = "insecure"
    ignore_empty_service: bool = False
    naming: Naming = field(default_factory=Naming)
    only_hostnames_reversed: bool = False
    _namespaces: set[str] = field(default_factory=set)
    _services: dict[Key, _Service] = field(default_factory=dict)
    _slices: dict[Key, dict[str, Slice]] = field(default_factory=dict)  # by Service, by the slice's name
    _slice_owner: dict[Key, Key] = field(default_factory=dict)
    _by_cluster_ip: dict[str, Key] = field(default_factory=dict)
    _by_endpoint_ip: dict[str, set[Key]] = field(default_factory=dict)  # keys of slices
    _pods: dict[Key, tuple[str, ...]] = field(default_factory=dict)
    _pod_ips: Counter[tuple[str, str]] = field(default_factory=Counter)
    _merged: dict[Key, tuple[Endpoint, ...]] = field(default_factory=dict, compare=False)

    def set_namespace(self, name: str, present: bool) -> tuple[Tag, ...]:
        """A namespace exists, or no longer does."""
        if present == (name in self._namespaces):
            return ()
        (self._namespaces.add if present else self._namespaces.discard)(name)
        return (Tag("namespace", name),)

    def set_service(self, key: Key, obj: Object | None) -> tuple[Tag, ...]:
        """Take in one Service."""
        new = _service(obj) if obj else None
        old = self._services.get(key)
        if new == old:
            return ()
        for ip, _ in old.cluster_ips if old else ():
            if self._by_cluster_ip.get(ip) == key:  # or a successor has it already
                del self._by_cluster_ip[ip]
        self._services.pop(key, None)
        self._merged.pop(key, None)
        if new:
            self._services[key] = new
            for ip, _ in new.cluster_ips:
                self._by_cluster_ip[ip] = key
        ips = {ip for service in (old, new) if service for ip, _ in service.cluster_ips}
        return Tag("service", key), *(Tag("address", ip) for ip in ips)

    def set_slice(self, key: Key, obj: Object | None) -> tuple[Tag, ...]:
        """Take in one EndpointSlice; those of addressType FQDN hold no addresses."""
        owner = meaning.service_of(obj) if obj and meaning.holds_addresses(obj) else None
        new = Slice.of(obj, self.naming) if obj and owner else None
        before = self._slice_owner.get(key)
        old = self._slices[before][key[1]] if before else None
        if (owner, new) == (before, old):
            return ()
        if before:
            self._drop_slice(key, before)
        if new and owner:
            self._add_slice(key, owner, new)
        addresses = {address for piece in (old, new) if piece for address in piece.addresses}
        owners = {o for o in (before, owner) if o}
        return *(Tag("service", o) for o in owners), *(Tag("address", a) for a in addresses)

    def _add_slice(self, key: Key, owner: Key, piece: Slice) -> None:
        self._slice_owner[key] = owner
        self._slices.setdefault(owner, {})[key[1]] = piece
        self._merged.pop(owner, None)
        for address in piece.addresses:
            self._by_endpoint_ip.setdefault(address, set()).add(key)

    def _drop_slice(self, key: Key, owner: Key) -> None:
        del self._slice_owner[key]
        self._merged.pop(owner, None)
        pieces = self._slices[owner]
        for address in pieces.pop(key[1]).addresses:
            holders = self._by_endpoint_ip[address]
            holders.discard(key)
            if not holders:
                del self._by_endpoint_ip[address]
        if not pieces:
            del self._slices[owner]

    def set_pod(self, key: Key, addresses: tuple[str, ...]) -> tuple[Tag, ...]:
        """Take in a pod's addresses (none: it has ended, or is gone). Only for `pods verified`."""
        old = self._pods.pop(key, ())
        if addresses:
            self._pods[key] = addresses
        if addresses == old:
            return ()
        for address in old:
            self._pod_ips[key[0], address] -= 1
            if not self._pod_ips[key[0], address]:
                del self._pod_ips[key[0], address]
        for address in addresses:
            self._pod_ips[key[0], address] += 1
        return tuple(Tag("pod", (key[0], address)) for address in {*old, *addresses})

    def find(self, name: Labels, type: str) -> Found:
        """Return what `name` (relative to the zone) holds of `type`."""
        if not name:
            return self._apex(type)
        match name[-1]:
            case "svc":
                return self._service_name(name, type)
            case "pod":
                return self._pod_name(name, type)
            case "dns-version" if len(name) == 1:
                version = Record(name, "TXT", bytes((len(SCHEMA_VERSION),)) + SCHEMA_VERSION.encode())
                return Found((version,) if type == "TXT" else (), why="the version of the specification")
            case "dns" if name in (("dns",), ("ns", "dns")):
                records = self._dns_addresses(name) if len(name) == 2 else ()
                tags = (Tag("service", DNS_SERVICE),)
                return Found(tuple(r for r in records if r.type == type), tags=tags, why="the DNS server itself")
        return nothing(f"the zone has svc and pod, but no {name[-1]}")

    def reverse(self, address: str) -> Found:
        """Return the PTR records of an address: a Service's, or its endpoints'."""
        tag = Tag("address", address)
        key = self._by_cluster_ip.get(address)
        if key:
            target = (key[1], key[0], "svc")
            return Found((Record((), "PTR", target=target),), tags=(tag,), why=f"the address of Service {_text(key)}")
        owners = sorted({self._slice_owner[piece] for piece in self._by_endpoint_ip.get(address, ())})
        tags = tag, *(Tag("service", owner) for owner in owners)
        names = [
            (endpoint.host, owner[1], owner[0], "svc")
            for owner in owners
            if owner in self._services
            for endpoint in self._endpoints(owner)
            if endpoint.address == address and (endpoint.named or not self.only_hostnames_reversed)
        ]
        if not names:
            return nothing(f"no Service has the address {address}, and no endpoint", *tags)
        why = f"the address of an endpoint of {', '.join(map(_text, owners))}"
        return Found(tuple(Record((), "PTR", target=name) for name in names), tags=tags, why=why)

    def _apex(self, type: str) -> Found:
        tags = (Tag("service", DNS_SERVICE),)
        if type == "NS":
            target = ("ns", "dns")
            return Found((Record((), "NS", target=target),), self._dns_addresses(target), tags=tags, why="the zone")
        return Found(tags=tags, why="the zone itself")

    def _dns_addresses(self, name: Labels) -> tuple[Record, ...]:
        service = self._services.get(DNS_SERVICE)
        return tuple(_address(name, packed) for _, packed in (service.cluster_ips if service else ()))

    def _service_name(self, name: Labels, type: str) -> Found:
        if len(name) == 1:
            return Found(why="what holds the namespaces")
        tag = Tag("namespace", name[-2])
        if name[-2] not in self._namespaces:
            return nothing(f"there is no namespace {name[-2]}, or it is not exposed", tag)
        if len(name) == 2:
            return Found(tags=(tag,), why="a namespace")
        key = name[-2], name[-3]
        tags = tag, Tag("service", key)
        service = self._services.get(key)
        if service is None:
            return nothing(f"there is no Service {_text(key)}, or it is not exposed", *tags)
        found = self._of_service(name, key, service, type)
        return Found(found.records, found.extra, found.exists, tags, found.why or _describe(key, service))

    def _of_service(self, name: Labels, key: Key, service: _Service, type: str) -> Found:
        rest = name[:-3]
        if service.external_name:
            if rest:
                return nothing(f"Service {_text(key)} is an ExternalName: there is nothing below its name")
            return Found((Record(name, "CNAME", service.external_name),))
        if service.headless or len(rest) == 1:
            return self._endpoint_names(name, key, service, type)
        return self._cluster_ip(name, key, service, type)

    def _cluster_ip(self, name: Labels, key: Key, service: _Service, type: str) -> Found:
        if self.ignore_empty_service and not self._endpoints(key):
            return nothing(f"Service {_text(key)} has no ready endpoint, and `ignore empty_service` is set")
        rest, base = name[:-3], (key[1], key[0], "svc")
        addresses = tuple(_address(base, packed) for _, packed in service.cluster_ips)
        if not rest and type != "SRV":
            return Found(tuple(r for r in addresses if r.type == type))
        ports = _ports_named(service.ports, rest) if rest else [port for _, _, port in service.ports]
        if not ports and rest:
            return nothing(f"Service {_text(key)} has no port {'.'.join(rest)}")
        if type != "SRV":
            return Found()
        return Found(_weighted([Record(name, "SRV", target=base, port=port) for port in ports]), addresses)

    def _endpoint_names(self, name: Labels, key: Key, service: _Service, type: str) -> Found:
        rest, endpoints = name[:-3], self._endpoints(key)
        if not endpoints:
            return nothing(f"Service {_text(key)} has no {'' if service.publish_not_ready else 'ready '}endpoint")
        if len(rest) == 1:
            endpoints = tuple(e for e in endpoints if e.host == rest[0])
            if not endpoints:
                return nothing(f"no endpoint of Service {_text(key)} is called {rest[0]}")
        elif rest:
            named = [(e, p) for e in endpoints for p in _ports_named(e.ports, rest)]
            if not named:
                return nothing(f"no endpoint of Service {_text(key)} has a port {'.'.join(rest)}")
            return _srv(name, key, named) if type == "SRV" else Found()
        if type == "SRV":
            return _srv(name, key, [(e, port) for e in endpoints for _, _, port in e.ports])
        length = {"A": 4, "AAAA": 16}.get(type)
        packed = dict.fromkeys(e.packed for e in endpoints if len(e.packed) == length)
        return Found(tuple([_address(name, p) for p in packed]))

    def _endpoints(self, key: Key) -> tuple[Endpoint, ...]:
        found = self._merged.get(key)
        if found is None:
            service = self._services.get(key)
            everybody = service is not None and service.publish_not_ready
            found = merged(self._slices.get(key, {}).values(), everybody)
            if found:
                self._merged[key] = found
        return found

    def _pod_name(self, name: Labels, type: str) -> Found:
        if len(name) == 1:
            return Found(why="what holds the pods' names")
        if self.pods == "disabled":
            return nothing("pods have no names here: `pods` is disabled")
        tag = Tag("namespace", name[-2])
        if name[-2] not in self._namespaces:
            return nothing(f"there is no namespace {name[-2]}, or it is not exposed", tag)
        if len(name) == 2:
            return Found(tags=(tag,), why="a namespace")
        address = _undashed(name[0]) if len(name) == 3 else ""
        if not address:
            return nothing(f"{name[0]} is no address with dashes", tag)
        tags = tag, Tag("pod", (name[-2], address))
        if self.pods == "verified" and (name[-2], address) not in self._pod_ips:
            return nothing(f"no pod in {name[-2]} has the address {address}", *tags)
        made = _address(name, ip_address(address).packed)
        return Found((made,) if made.type == type else (), tags=tags, why=f"{self.pods} pod address", anybody=True)


def _service(service: Object) -> _Service:
    spec = service["spec"]
    external = services.is_external_name(service)
    return _Service(
        cluster_ips=tuple((ip, ip_address(ip).packed) for ip in services.cluster_ips(service)),
        external_name=names.of_text(spec.get("externalName") or "") if external else b"",
        ports=tuple((p.get("name") or "", services.protocol(p).lower(), p["port"]) for p in services.ports(service)),
        publish_not_ready=services.publishes_unready(service),
    )


def _undashed(label: str) -> str:
    """Return the address a pod's label stands for, "" if none (CoreDNS plugin/kubernetes findPods)."""
    four = label.count("-") == 3 and "--" not in label
    try:
        return str(ip_address(label.replace("-", "." if four else ":")))
    except ValueError:
        return ""


def _ports_named(ports: Ports, rest: Labels) -> list[int]:
    """Return the ports a `_port._protocol` prefix names, each with `_` in front."""
    if len(rest) != 2 or not all(label.startswith("_") for label in rest):
        return []
    name, protocol = rest[0][1:], rest[1][1:]
    return [port for n, p, port in ports if n and n == name and p == protocol]


def _srv(name: Labels, key: Key, named: list[tuple[Endpoint, int]]) -> Found:
    base = (key[1], key[0], "svc")
    records = dict.fromkeys([(e.host, port) for e, port in named])
    extra = {(e.host, e.packed): _address((e.host, *base), e.packed) for e, _ in named}
    made = [Record(name, "SRV", target=(host, *base), port=port) for host, port in records]
    return Found(_weighted(made), tuple(extra.values()))


def _weighted(records: list[Record]) -> tuple[Record, ...]:
    """Share a weight of 100 evenly between SRV records, as CoreDNS does."""
    weight = max(1, 100 // len(records)) if records else 0
    return tuple([r._replace(weight=weight) for r in records])


def _address(name: Labels, packed: bytes) -> Record:
    return Record(name, "A" if len(packed) == 4 else "AAAA", packed)


def _text(key: Key) -> str:
    return f"{key[0]}/{key[1]}"


def _describe(key: Key, service: _Service) -> str:
    if service.external_name:
        return f"Service {_text(key)}, an ExternalName for {names.text(service.external_name)}"
    if service.headless:
        return f"the endpoints of headless Service {_text(key)}"
    return f"Service {_text(key)}"
