"""Endpoints: one address and port that serves, as EndpointSlices list them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from wherry.objects import Object

SERVICE_NAME_LABEL = "kubernetes.io/service-name"
TRIGGER_TIME_ANNOTATION = "endpoints.kubernetes.io/last-change-trigger-time"


class Endpoint(NamedTuple):
    """Where a packet may be sent. `local`: it is on this node (a packet from itself to itself must be masqueraded)."""

    address: str
    port: int
    local: bool = False

    def __str__(self) -> str:
        return f"{self.address}:{self.port}" + ("*" if self.local else "")


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


def candidates(slices: Iterable[Object], port_name: str, protocol: str, family: str, node: str) -> list[Candidate]:
    """Return the endpoints of one service port from all of its slices, sorted, each address and port once.

    `port_name` is "" for the unnamed port, `family` is IPv4 or IPv6 (the slices' addressType), `node` this node's name.
    A slice port without a number ("all ports") does not serve a Service and is left out.
    """
    found: dict[tuple[str, int], Candidate] = {}
    for piece in slices:
        if piece.get("addressType") != family:
            continue
        for port in _ports(piece, port_name, protocol):
            for entry in piece.get("endpoints") or ():
                if not entry.get("addresses"):
                    continue
                candidate = _candidate(entry, port, node)
                address = candidate.endpoint[:2]
                if address not in found or candidate.rank > found[address].rank:
                    found[address] = candidate
    return [found[address] for address in sorted(found)]


def service_of(piece: Object) -> tuple[str, str] | None:
    """Return (namespace, name) of the Service a slice belongs to, or None for a slice that names none."""
    metadata = piece["metadata"]
    name = (metadata.get("labels") or {}).get(SERVICE_NAME_LABEL)
    return (metadata.get("namespace", ""), name) if name else None


def _ports(piece: Object, name: str, protocol: str) -> Iterator[int]:
    for port in piece.get("ports") or ():
        number = port.get("port")
        if number is not None and (port.get("name") or "") == name and (port.get("protocol") or "TCP") == protocol:
            yield number


def _candidate(entry: dict[str, Any], port: int, node: str) -> Candidate:
    """Read one endpoint. Conditions not known mean ready and serving; only the first address counts, as upstream."""
    conditions = entry.get("conditions") or {}
    hints = entry.get("hints") or {}
    ready = conditions.get("ready") is not False
    serving = conditions.get("serving")
    return Candidate(
        Endpoint(entry["addresses"][0], port, entry.get("nodeName") == node),
        ready=ready,
        serving=serving is not False,
        terminating=conditions.get("terminating") is True,
        zone_hints=frozenset(z["name"] for z in hints.get("forZones") or ()),
        node_hints=frozenset(n["name"] for n in hints.get("forNodes") or ()),
    )
