"""Which endpoints take new connections, seen from one node.

Source of the rules: KEP-1669 (terminating endpoints), KEP-2086 (internalTrafficPolicy), KEP-2433 and KEP-3015 (hints
for zones and nodes), kubernetes pkg/proxy/topology.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from wherry.objects import Object
from wherry.objects.family import Family, family_of
from wherry.objects.meaning import nodes
from wherry.proxy.endpoint import Candidate, Endpoint


@dataclass(frozen=True, slots=True)
class ThisNode:
    """The node the proxy runs on: its name, zone and primary addresses (the first InternalIP of each family).

    `node_port_addresses`: where it answers node ports; None for the primary addresses.
    """

    name: str
    zone: str = ""
    addresses: tuple[str, ...] = ()
    node_port_addresses: tuple[str, ...] | None = None

    @classmethod
    def of(cls, name: str, node: Object | None) -> ThisNode:
        """Read a Node object; None (not registered yet) has no zone and no address, so it serves no NodePorts."""
        if node is None:
            return cls(name)
        primary: dict[Family, str] = {}
        for kind in ("InternalIP", "ExternalIP"):
            for address in nodes.addresses(node, kind):
                primary.setdefault(family_of(address), address)
        return cls(name, nodes.zone(node), tuple(primary.values()))


class Verdict(Enum):
    """What becomes of a new connection that no endpoint takes."""

    REJECT = "REJECT"
    """Answered at once: connection refused."""
    DROP = "DROP"
    """Unanswered: endpoints exist, but the traffic policy lets this node use none of them."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The endpoints new connections are spread over evenly, or what happens without any.

    `local`: a Local traffic policy chose them.
    """

    endpoints: tuple[Endpoint, ...]
    otherwise: Verdict = Verdict.REJECT
    local: bool = False

    def __str__(self) -> str:
        return " ".join(map(str, self.endpoints)) or self.otherwise.value


def cluster_choice(candidates: Sequence[Candidate], node: ThisNode) -> Choice:
    """Choose for the Cluster policy: ready ones the hints give this node; with none ready, draining ones anywhere."""
    hinted = _hint(candidates, node)
    chosen = [c.endpoint for c in candidates if c.ready and hinted(c)]
    return Choice(tuple(chosen) or tuple(c.endpoint for c in candidates if c.draining))


def local_choice(candidates: Sequence[Candidate]) -> Choice:
    """Choose for the Local policy: this node's ready ones, else its draining ones; hints do not apply."""
    local = [c for c in candidates if c.endpoint.local]
    chosen = tuple(c.endpoint for c in local if c.ready) or tuple(c.endpoint for c in local if c.draining)
    usable_anywhere = any(c.ready or c.draining for c in candidates)
    return Choice(chosen, Verdict.DROP if usable_anywhere else Verdict.REJECT, local=True)


def lasting(candidates: Iterable[Candidate]) -> tuple[Endpoint, ...]:
    """Return the endpoints that may keep the flows they have: those still serving, chosen for new ones or not."""
    return tuple(c.endpoint for c in candidates if c.serving or c.ready)


def _hint(candidates: Sequence[Candidate], node: ThisNode) -> Callable[[Candidate], bool]:
    """Return which ready endpoints the hints allow: node hints, else zone hints, else all.

    Hints count only when every ready endpoint has them and one is for us: otherwise they are being rewritten.
    """
    ready = [c for c in candidates if c.ready]
    if all(c.node_hints for c in ready) and any(node.name in c.node_hints for c in ready):
        return lambda c: node.name in c.node_hints
    if node.zone and all(c.zone_hints for c in ready) and any(node.zone in c.zone_hints for c in ready):
        return lambda c: node.zone in c.zone_hints
    return lambda _: True
