"""The plan of one node: every frontend (an address, protocol and port that is a Service's) and its route.

Pure, comparable and printable, and the same for every mode. Read from Services, EndpointSlices and this node:

    frontend = 10.96.12.7 TCP 80            what a packet is addressed to
    route    = ClusterIP of demo/web:http   what becomes of a new connection to it
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import NamedTuple

from wherry.objects import Object
from wherry.objects.family import Family, bracketed, family_of
from wherry.objects.meaning.endpoints import service_of
from wherry.proxy.endpoint import Candidate, Endpoint, candidates
from wherry.proxy.left_out import left_out
from wherry.proxy.service import ServiceKey, ServicePort, ServicePortName, admit_self, service_ports
from wherry.proxy.topology import Choice, ThisNode, cluster_choice, lasting, local_choice


class Frontend(NamedTuple):
    """What a packet is addressed to. `protocol` is TCP, UDP or SCTP."""

    address: str
    protocol: str
    port: int

    @property
    def family(self) -> Family:
        """The address's family."""
        return family_of(self.address)

    def __str__(self) -> str:
        return f"{bracketed(self.address)}:{self.port}/{self.protocol}"


class Kind(IntEnum):
    """Why an address is a Service's; the lesser wins where two Services claim one frontend.

    So nobody takes a cluster IP or a node port over by naming it as an external IP (CVE-2020-8554).
    """

    ClusterIP = 1
    NodePort = 2
    LoadBalancer = 3
    ExternalIP = 4


class Masquerade(Enum):
    """Whose connections get the node's address as source, so that the answer comes back through this node."""

    OFF_CLUSTER = "off-cluster sources"
    ALWAYS = "all sources"
    OWN = "this node's own"


@dataclass(frozen=True, slots=True)
class Route:
    """What becomes of a new connection to one frontend. A connection from an endpoint to itself is always masqueraded.

    `inside` is for everybody; with externalTrafficPolicy Local, `outside` is for sources that are neither pods nor this
    node. `sources` (CIDRs, none inside another) are the only ones let in, unless empty. `affinity_seconds`: a client
    stays with its endpoint until that long after its last new connection. `lasting` (UDP only): endpoints whose flows
    may go on.
    """

    frontend: Frontend
    kind: Kind
    owner: ServicePortName
    inside: Choice
    outside: Choice | None = None
    masquerade: Masquerade = Masquerade.OFF_CLUSTER
    sources: tuple[str, ...] = ()
    affinity_seconds: int = 0
    lasting: tuple[Endpoint, ...] = ()

    @property
    def precedence(self) -> tuple[int, ServicePortName]:
        """The least of all that claim a frontend has it."""
        return self.kind, self.owner

    def __str__(self) -> str:
        parts = [f"{self.frontend} -> {self.inside}"]
        if self.outside is not None:
            parts.append(f"from outside -> {self.outside}")
        if self.sources:
            parts.append(f"only from {','.join(self.sources)}")
        if self.affinity_seconds:
            parts.append(f"affinity {self.affinity_seconds}s")
        parts.append(f"masquerade {self.masquerade.value}")
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """What a healthCheckNodePort answers: how many of the Service's endpoints are here."""

    port: int
    local_endpoints: int


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """One Service's share of the plan, and what of it makes no sense (`left_out`)."""

    routes: tuple[Route, ...] = ()
    health_check: HealthCheck | None = None
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything one node is to do. Equal plans mean equal packet paths."""

    routes: Mapping[Frontend, Route] = field(default_factory=dict)
    health_checks: Mapping[ServiceKey, HealthCheck] = field(default_factory=dict)

    def __str__(self) -> str:
        return "\n".join(_lines(self))


@dataclass(frozen=True, slots=True)
class Change:
    """What differs between two plans: per frontend (before, after), None where it was not or is no more.

    `left_out`: of the Services of which something else, or nothing any more, is left out, what that is.
    """

    routes: Mapping[Frontend, tuple[Route | None, Route | None]] = field(default_factory=dict)
    health_checks: Mapping[ServiceKey, HealthCheck | None] = field(default_factory=dict)
    left_out: Mapping[ServiceKey, tuple[str, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.routes or self.health_checks)


def make_plan(services: Iterable[Object], slices: Iterable[Object], node: ThisNode) -> Plan:
    """Return the whole plan from scratch."""
    by_service: dict[ServiceKey, list[Object]] = {}
    for piece in slices:
        if key := service_of(piece):
            by_service.setdefault(key, []).append(piece)
    routes: dict[Frontend, Route] = {}
    checks: dict[ServiceKey, HealthCheck] = {}
    for service in services:
        key = (service["metadata"].get("namespace", ""), service["metadata"]["name"])
        part = plan_service(service, by_service.get(key, ()), node)
        for route in part.routes:
            held = routes.get(route.frontend)
            if held is None or route.precedence < held.precedence:
                routes[route.frontend] = route
        if part.health_check:
            checks[key] = part.health_check
    return Plan(routes, checks)


def plan_service(service: Object, slices: Iterable[Object], node: ThisNode) -> ServicePlan:
    """Return one Service's routes and health check, from it, its own slices and the node."""
    slices = list(slices)
    routes: list[Route] = []
    health_check: HealthCheck | None = None
    for port in service_ports(service):
        found = candidates(slices, port.name.port, port.protocol, port.family, node.name)
        routes += _routes(port, found, node)
        if port.health_check_port:
            here = len({c.endpoint.address for c in found if c.ready and c.endpoint.local})
            before = health_check.local_endpoints if health_check else 0
            health_check = HealthCheck(port.health_check_port, max(here, before))
    return ServicePlan(tuple(routes), health_check, left_out(service, slices))


def difference(old: Plan, new: Plan) -> Change:
    """Return what leads from `old` to `new`."""
    frontends = [f for f in old.routes.keys() | new.routes.keys() if old.routes.get(f) != new.routes.get(f)]
    checks = old.health_checks.keys() | new.health_checks.keys()
    return Change(
        {f: (old.routes.get(f), new.routes.get(f)) for f in sorted(frontends)},
        {k: new.health_checks.get(k) for k in sorted(checks) if old.health_checks.get(k) != new.health_checks.get(k)},
    )


def by_family(change: Change) -> dict[Family, Change]:
    """Return the routes of a change for each family, be there any or not."""
    routes: dict[Family, dict[Frontend, tuple[Route | None, Route | None]]] = {family: {} for family in Family}
    for frontend, pair in change.routes.items():
        routes[frontend.family][frontend] = pair
    return {family: Change(part) for family, part in routes.items()}


def _routes(port: ServicePort, found: list[Candidate], node: ThisNode) -> Iterator[Route]:
    cluster = cluster_choice(found, node)
    local = local_choice(found) if port.internal_local or port.external_local else None
    outside = local if port.external_local else None
    own = tuple(a for a in node.addresses if family_of(a) == port.family)
    keep = lasting(found) if port.protocol == "UDP" else ()

    def route(address: str, number: int, kind: Kind, sources: tuple[str, ...] = ()) -> Route:
        internal = kind is Kind.ClusterIP
        masquerade = Masquerade.OFF_CLUSTER if internal else Masquerade.ALWAYS if outside is None else Masquerade.OWN
        return Route(
            Frontend(address, port.protocol, number),
            kind,
            port.name,
            local if internal and port.internal_local and local is not None else cluster,
            None if internal else outside,
            masquerade,
            sources,
            port.affinity_seconds,
            keep,
        )

    yield route(port.cluster_ip, port.port, Kind.ClusterIP)
    if port.node_port:
        asked = node.addresses if node.node_port_addresses is None else node.node_port_addresses
        for address in (a for a in asked if family_of(a) == port.family):
            yield route(address, port.node_port, Kind.NodePort)
    for address in port.load_balancer_ips:
        yield route(address, port.port, Kind.LoadBalancer, admit_self(port.source_ranges, address, own))
    for address in port.external_ips:
        if address not in port.load_balancer_ips:
            yield route(address, port.port, Kind.ExternalIP)


def _lines(plan: Plan) -> Iterator[str]:
    """Print by service port, its kinds in order: what a person looks for is a name."""
    owner = None
    for route in sorted(plan.routes.values(), key=lambda r: (r.owner, r.kind, r.frontend)):
        if route.owner != owner:
            owner = route.owner
            yield str(owner)
        yield f"  {route.kind.name:<12} {route}"
    for (namespace, name), check in sorted(plan.health_checks.items()):
        yield f"{namespace}/{name}"
        yield f"  HealthCheck  :{check.port} -> {check.local_endpoints} local endpoints"
