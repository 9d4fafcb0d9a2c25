"""Endpoints: one address and port that serves, as EndpointSlices list them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from wherry.objects import Object
from wherry.objects.family import Family, bracketed, serves
from wherry.objects.meaning import endpoints as meaning


class Endpoint(NamedTuple):
    """Where a packet may be sent. `local`: it is on this node (a packet from itself to itself must be masqueraded)."""

    address: str
    port: int
    local: bool = False

    @property
    def target(self) -> str:
        """`10.244.0.2:80`, `[fd00::2]:80`."""
        return f"{bracketed(self.address)}:{self.port}"

    def __str__(self) -> str:
        return self.target + ("*" if self.local else "")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An endpoint with the conditions and hints that decide whether it is chosen (discovery.k8s.io/v1 Endpoint)."""

    endpoint: Endpoint
    ready: bool
    serving: bool
    terminating: bool
    zone_hints: frozenset[str] = frozenset()
    node_hints: frozenset[str] = frozenset()

    @property
    def draining(self) -> bool:
        """Terminating but still serving: the fallback when nothing is ready (KEP-1669)."""
        return self.serving and self.terminating

    @property
    def rank(self) -> tuple[bool, bool, bool]:
        """Greater is better: of the same address listed twice the one more fit to serve counts."""
        return self.ready, self.serving, not self.terminating


def candidates(slices: Iterable[Object], port_name: str, protocol: str, family: Family, node: str) -> list[Candidate]:
    """Return the endpoints of one service port from all of its slices, sorted, each address and port once.

    `port_name` is "" for the unnamed port, `family` the slices' addressType, `node` this node's name.
    A slice port without a number ("all ports") does not serve a Service and is left out, and so is an address that only
    this node itself reaches.
    """
    found: dict[tuple[str, int], Candidate] = {}
    for piece in slices:
        if piece.get("addressType") != family:
            continue
        entries = [entry for entry in meaning.endpoints(piece) if serves(entry["addresses"][0])]
        for name, spoken, port in meaning.ports(piece):
            if (name, spoken) != (port_name, protocol):
                continue
            for entry in entries:
                candidate = _candidate(entry, port, node)
                address = candidate.endpoint[:2]
                if address not in found or candidate.rank > found[address].rank:
                    found[address] = candidate
    return [found[address] for address in sorted(found)]


def _candidate(entry: Object, port: int, node: str) -> Candidate:
    """Read one endpoint; only its first address counts, as upstream."""
    return Candidate(
        Endpoint(entry["addresses"][0], port, entry.get("nodeName") == node),
        ready=meaning.is_ready(entry),
        serving=meaning.is_serving(entry),
        terminating=meaning.is_terminating(entry),
        zone_hints=meaning.zone_hints(entry),
        node_hints=meaning.node_hints(entry),
    )
