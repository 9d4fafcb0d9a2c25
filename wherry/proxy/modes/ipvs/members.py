"""One route as members of sets (pure)."""

from __future__ import annotations

from collections.abc import Iterator

from wherry.proxy.modes.ipvs.names import CLUSTER_IPS, LOOP_BACK, PUBLISHED
from wherry.proxy.plan import Kind, Route

Member = tuple[str, str]
"""(set, as ipset(8) writes it)."""


def members(route: Route) -> Iterator[Member]:
    """Yield a route's members. Routes may share those of endpoints."""
    frontend = route.frontend
    protocol = frontend.protocol.lower()
    of = CLUSTER_IPS if route.kind is Kind.ClusterIP else PUBLISHED
    yield of, f"{frontend.address},{protocol}:{frontend.port}"
    for endpoint in route.inside.endpoints:
        if endpoint.local:
            yield LOOP_BACK, f"{endpoint.address},{protocol}:{endpoint.port},{endpoint.address}"
