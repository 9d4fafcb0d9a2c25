"""A plain model of what a node should do, written from the rules and not from the code: small words, no cleverness.

A `World` is what a cluster's user would say of it. `objects` makes API objects of it; `expected` says, for each
frontend, what becomes of a new connection.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.proxy.build import NODE_ADDRESS, endpoint, endpoint_slice, service
from wherry.objects import Object
from wherry.proxy.topology import ThisNode

Where = frozenset[tuple[str, int]] | str
"""The endpoints that share new connections, or REJECT, or DROP."""


@dataclass(frozen=True)
class Backend:
    """`state` is ready, unready or draining; `node` n1 (this one) or n2; `zone` is a hint, "" for none."""

    address: str
    port: int
    state: str
    node: str
    zone: str = ""


@dataclass(frozen=True)
class Piece:
    """One EndpointSlice."""

    port: int
    backends: tuple[Backend, ...]


@dataclass(frozen=True)
class Wanted:
    """One Service with one port."""

    number: int
    protocol: str = "TCP"
    node_port: bool = False
    external_ips: tuple[str, ...] = ()
    balancer: str = ""
    internal_local: bool = False
    external_local: bool = False
    affine: bool = False
    skipped: bool = False

    @property
    def cluster_ip(self) -> str:
        return f"10.96.0.{self.number}"

    @property
    def name(self) -> str:
        return f"s{self.number}"


@dataclass
class World:
    zone: str = ""
    services: dict[str, Wanted] = field(default_factory=dict)
    slices: dict[tuple[str, str], Piece] = field(default_factory=dict)

    @property
    def node(self) -> ThisNode:
        return ThisNode("n1", self.zone, (NODE_ADDRESS,))


def service_object(wanted: Wanted) -> Object:
    port = {"port": 80, "protocol": wanted.protocol}
    if wanted.node_port:
        port["nodePort"] = 30000 + wanted.number
    return service(
        wanted.name,
        [port],
        cluster_ip=wanted.cluster_ip,
        ingress=[{"ip": wanted.balancer}] if wanted.balancer else None,
        labels={"service.kubernetes.io/service-proxy-name": "other"} if wanted.skipped else None,
        type="LoadBalancer" if wanted.balancer else "NodePort" if wanted.node_port else "ClusterIP",
        externalIPs=list(wanted.external_ips),
        internalTrafficPolicy="Local" if wanted.internal_local else "Cluster",
        externalTrafficPolicy="Local" if wanted.external_local else "Cluster",
        sessionAffinity="ClientIP" if wanted.affine else "None",
    )


def slice_object(owner: str, name: str, protocol: str, piece: Piece) -> Object:
    entries = []
    for b in piece.backends:
        hints = {"zones": [b.zone]} if b.zone else {}
        entry = endpoint(
            b.address,
            ready=b.state == "ready",
            serving=b.state != "unready",
            terminating=b.state == "draining",
            **hints,
        )
        entry["nodeName"] = b.node
        entries.append(entry)
    return endpoint_slice(entries, service=owner, name=name, port=piece.port, protocol=protocol)


def objects(world: World) -> tuple[list[Object], list[Object]]:
    slices = [
        slice_object(owner, name, world.services[owner].protocol, piece)
        for (owner, name), piece in world.slices.items()
        if owner in world.services
    ]
    return [service_object(s) for s in world.services.values()], slices


def expected(world: World) -> dict[tuple[str, str, int], tuple[Where, Where | None]]:
    """Return frontend -> (for everybody, for sources outside when that differs)."""
    claims: dict[tuple[str, str, int], list[tuple[int, str, tuple[Where, Where | None]]]] = {}
    for wanted in world.services.values():
        if wanted.skipped:
            continue
        backends = _backends(world, wanted.name)
        everywhere = _spread(backends, world.zone)
        here = _spread_here(backends)
        outside = here if wanted.external_local else None
        frontends = [(1, wanted.cluster_ip, 80, (here if wanted.internal_local else everywhere, None))]
        if wanted.node_port:
            frontends.append((2, NODE_ADDRESS, 30000 + wanted.number, (everywhere, outside)))
        if wanted.balancer:
            frontends.append((3, wanted.balancer, 80, (everywhere, outside)))
        frontends += [(4, ip, 80, (everywhere, outside)) for ip in wanted.external_ips if ip != wanted.balancer]
        for rank, address, port, answer in frontends:
            claims.setdefault((address, wanted.protocol, port), []).append((rank, wanted.name, answer))
    return {frontend: min(claimed, key=lambda c: c[:2])[2] for frontend, claimed in claims.items()}


def _backends(world: World, owner: str) -> list[Backend]:
    """Each address and port once, in its best state (ready before draining before unready)."""
    best: dict[tuple[str, int], Backend] = {}
    order = ["ready", "draining", "unready"]
    for (name, _), piece in world.slices.items():
        for b in piece.backends if name == owner else ():
            at = (b.address, piece.port)
            if at not in best or order.index(b.state) < order.index(best[at].state):
                best[at] = Backend(b.address, piece.port, b.state, b.node, b.zone)
    return list(best.values())


def _spread(backends: list[Backend], zone: str) -> Where:
    ready = [b for b in backends if b.state == "ready"]
    if zone and ready and all(b.zone for b in ready) and any(b.zone == zone for b in ready):
        ready = [b for b in ready if b.zone == zone]
    return _group(ready) or _group([b for b in backends if b.state == "draining"]) or "REJECT"


def _spread_here(backends: list[Backend]) -> Where:
    here = [b for b in backends if b.node == "n1"]
    for state in ("ready", "draining"):
        if group := _group([b for b in here if b.state == state]):
            return group
    return "DROP" if any(b.state != "unready" for b in backends) else "REJECT"


def _group(backends: list[Backend]) -> frozenset[tuple[str, int]]:
    return frozenset((b.address, b.port) for b in backends)
