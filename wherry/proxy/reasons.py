"""Why endpoints of a Service take no new connections from one node (pure): those that `topology` has not chosen."""

from __future__ import annotations

from collections.abc import Iterable

from wherry.proxy.endpoint import Candidate, Endpoint
from wherry.proxy.topology import Choice, ThisNode


def left_aside(candidates: Iterable[Candidate], choice: Choice, node: ThisNode) -> dict[Endpoint, str]:
    """Return the endpoints that were not chosen, each with the reason."""
    chosen = set(choice.endpoints)
    return {c.endpoint: _reason(c, choice, node) for c in candidates if c.endpoint not in chosen}


def _reason(candidate: Candidate, choice: Choice, node: ThisNode) -> str:
    if choice.local and not candidate.endpoint.local:
        return f"it is not on {node.name}, and the traffic policy is Local"
    if candidate.ready:
        return f"it is for {_hinted(candidate)} (topology), and {node.name} is {_where(node)}"
    if candidate.draining:
        return "it is terminating: still serving, but others are ready"
    return "it is terminating" if candidate.terminating else "it is not ready"


def _hinted(candidate: Candidate) -> str:
    zones = ", ".join(sorted(candidate.zone_hints))
    return f"zone {zones}" if zones else f"node {', '.join(sorted(candidate.node_hints))}"


def _where(node: ThisNode) -> str:
    return f"in zone {node.zone}" if node.zone else "another"
