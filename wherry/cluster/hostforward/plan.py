"""What one Service wants listened on at the machine's loopback, and where each listener leads. Pure.

Every node port listens at its own number. A load balancer's address, which the machine has no route to, has a stand-in
on loopback: `127.N` and its last two numbers, where `--bind` is 127.0.0.N, if the Service's source ranges let in the
address by which the machine is on the LAN. Protocols: TCP and UDP; SCTP has no relay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address, ip_network
from typing import NamedTuple

from wherry.cluster.config import ClusterConfig
from wherry.cluster.relay.address import Address
from wherry.objects import Object
from wherry.objects.family import Family
from wherry.objects.meaning import endpoints
from wherry.objects.meaning.services import admits, balancers, has_selector, is_local_outside, ports, protocol

SMALL_LOOPBACK = ip_network("127.0.0.0/24")


class Listener(NamedTuple):
    """A place on the machine."""

    protocol: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Forward:
    """Where a listener leads. `answers`: a refusal can only be for a moment, as somebody is or may be ready there."""

    target: Address
    answers: bool


def of_service(service: Object, slices: Iterable[Object], config: ClusterConfig) -> dict[Listener, Forward]:
    """Return the listeners a Service wants."""
    pieces = list(slices)
    serving = _serving_nodes(pieces)
    # What a selector finds is in a slice, be it an empty one, as soon as somebody has looked; until then nobody knows.
    answers = bool(serving) or (has_selector(service) and not pieces)
    local = is_local_outside(service)
    # Other nodes drop what is meant for local endpoints only.
    node = next((n for n in config.nodes if n.name in serving), None) if local else None
    address = (node or config.control_plane).address
    wanted: dict[Listener, Forward] = {}
    for port in ports(service):
        if protocol(port) not in ("TCP", "UDP"):
            continue
        at_node = (address, port.get("nodePort") or 0)
        if at_node[1]:
            wanted[Listener(protocol(port), config.bind, at_node[1])] = Forward(at_node, answers)
        for stand_in, balancer in stand_ins(service, config):
            target = at_node if local and at_node[1] else (balancer, port["port"])
            wanted[Listener(protocol(port), stand_in, port["port"])] = Forward(target, answers)
    return wanted


def _serving_nodes(slices: Iterable[Object]) -> set[str]:
    """Return the nodes with endpoints that take connections: ready ones, or else those that still serve (KEP-1669)."""
    every = [e for piece in slices for e in endpoints.endpoints(piece)]
    ready = [e for e in every if endpoints.is_ready(e)]
    return {e.get("nodeName") or "" for e in ready or [e for e in every if endpoints.is_serving(e)]}


def stand_ins(service: Object, config: ClusterConfig) -> Iterator[tuple[str, str]]:
    """Yield (address on loopback, load balancer's address) for those of our own pool that let this machine in."""
    pool = config.balancer_pools.get(Family.V4)  # what has a stand-in
    if not admits(service, config.lan_gateway):
        return
    for entry in balancers(service):
        if pool and entry.get("ip") and ip_address(entry["ip"]) in pool and (here := _on_loopback(entry["ip"], config)):
            yield here, entry["ip"]


def _on_loopback(balancer: str, config: ClusterConfig) -> str | None:
    """Return an address's stand-in; None where --bind is not 127.0.0.N, such as IPv6, whose loopback is one address."""
    bind, address = ip_address(config.bind), ip_address(balancer)
    if bind not in SMALL_LOOPBACK or not isinstance(address, IPv4Address):
        return None
    return str(IPv4Address(bytes([127, bind.packed[3], *address.packed[2:]])))
