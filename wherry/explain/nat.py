"""Whose address an endpoint sees (pure)."""

from __future__ import annotations

from wherry.explain.snapshot import Snapshot
from wherry.explain.source import Place, Source
from wherry.objects.family import Family
from wherry.proxy.endpoint import Endpoint
from wherry.proxy.plan import Masquerade, Route


def why_masqueraded(route: Route, endpoint: Endpoint, source: Source, node: str, snapshot: Snapshot) -> str:
    """Return why the source becomes the address of `node`, which leads the connection to an endpoint; "" if not."""
    address = source.address(route.frontend.family)
    if endpoint.address == address:
        return "it got itself, and would answer itself without the proxy"
    match route.masquerade:
        case Masquerade.ALWAYS:
            return "the answer must come back through this node"
        case Masquerade.OWN if source.place is Place.NODE and source.node == node:
            return "it comes from this node itself"
        case Masquerade.OFF_CLUSTER if snapshot.cluster_cidrs and not snapshot.is_of_a_pod(address):
            return f"the source is in none of the pods' networks, {', '.join(snapshot.cluster_cidrs)}"
    return ""


def address_of(node: str, family: Family, snapshot: Snapshot) -> str:
    """Return the address by which a node is known to others."""
    found = (a for a in snapshot.this_node(node).addresses if (":" in a) == (family is Family.V6))
    return next(found, family.any)
