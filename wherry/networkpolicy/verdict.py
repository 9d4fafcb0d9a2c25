"""What the policies say of one connection (pure): the same question the tables put to each packet.

A pod that no policy selects for a direction is open in it. One that some select is reached, or reaches out, by what one
of them allows. README.md says who client and server are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from wherry.networkpolicy.pod import Pod
from wherry.networkpolicy.policy import Allow, Direction, NamedPort, Peers, Policy

Labels = Mapping[str, Mapping[str, str]]
"""The labels of namespaces."""


@dataclass(frozen=True, slots=True)
class Party:
    """One end of a connection: its address, and the pod whose own it is, if it is a pod's."""

    address: str
    pod: Pod | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """`port` is the server's, after its address was rewritten to an endpoint's."""

    client: Party
    server: Party
    protocol: str
    port: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a direction is open; the policies that select the pod, and the one that allows it."""

    allowed: bool
    selecting: tuple[str, ...] = ()
    by: str = ""


def judge(connection: Connection, direction: Direction, policies: Iterable[Policy], namespaces: Labels) -> Verdict:
    """Return what the policies say of a connection, for the pod at its end that the direction is about."""
    egress = direction is Direction.EGRESS
    mine, other = (connection.client, connection.server) if egress else (connection.server, connection.client)
    pod = mine.pod
    if pod is None:
        return Verdict(True)
    selecting = [p for p in policies if direction in p.allowed and p.namespace == pod.namespace]
    selecting = [p for p in selecting if p.pods.matches(pod.labels)]
    names = tuple(f"{p.namespace}/{p.name}" for p in selecting)
    if not selecting or mine.address == other.address:
        return Verdict(True, names)
    for policy, name in zip(selecting, names, strict=True):
        if any(_fits(allow, other, connection, namespaces) for allow in policy.allowed[direction]):
            return Verdict(True, names, name)
    return Verdict(False, names)


def _fits(allow: Allow, other: Party, connection: Connection, namespaces: Labels) -> bool:
    return _is_meant(allow, other, namespaces) and _is_to(allow, connection)


def _is_meant(allow: Allow, other: Party, namespaces: Labels) -> bool:
    if allow.networks is not None:
        return any(ip_address(other.address) in network for network in allow.networks)
    return allow.peers is None or (other.pod is not None and _is_among(allow.peers, other.pod, namespaces))


def _is_among(peers: Peers, pod: Pod, namespaces: Labels) -> bool:
    if peers.namespaces is None:
        there = peers.namespace == pod.namespace
    else:
        there = pod.namespace in namespaces and peers.namespaces.matches(namespaces[pod.namespace])
    return there and peers.pods.matches(pod.labels)


def _is_to(allow: Allow, connection: Connection) -> bool:
    if not allow.protocol:
        return True
    if allow.protocol != connection.protocol:
        return False
    if allow.named:
        return _has(connection.server.pod, allow.named, connection.port)
    return not allow.ports or any(first <= connection.port <= last for first, last in allow.ports)


def _has(pod: Pod | None, named: NamedPort, port: int) -> bool:
    return pod is not None and pod.ports.get(named) == port
