"""Routes that lead to the proxy instead of to their endpoints (pure).

What has no endpoint is refused or dropped by the kernel as in the nftables mode, and so is who is not in the source
ranges: only what is to be relayed comes to the proxy.
"""

from __future__ import annotations

from dataclasses import replace

from wherry.proxy.endpoint import Endpoint
from wherry.proxy.plan import Masquerade, Route
from wherry.proxy.topology import Choice

RELAYED = ("TCP", "UDP")
"""Protocols the proxy speaks. Packets of others go to their endpoints by the same table, as in the nftables mode."""


def is_relayed(route: Route | None) -> bool:
    """Return whether connections to a route come to the proxy: there is somebody to relay them to."""
    if route is None or route.frontend.protocol not in RELAYED:
        return False
    return bool(route.inside.endpoints or (route.outside and route.outside.endpoints) or route.lasting)


def redirected(route: Route, door: Endpoint) -> Route:
    """Return the route with the proxy's `door` for its endpoints.

    Affinity and masquerading are left to the proxy: it chooses, and the node's address is the source of what it sends.
    """
    if route.frontend.protocol not in RELAYED:
        return route
    return replace(
        route,
        inside=_through(door, route.inside),
        outside=_through(door, route.outside) if route.outside is not None else None,
        masquerade=Masquerade.OFF_CLUSTER,
        affinity_seconds=0,
        lasting=(door,) if route.frontend.protocol == "UDP" and is_relayed(route) else (),
    )


def _through(door: Endpoint, choice: Choice) -> Choice:
    return replace(choice, endpoints=(door,)) if choice.endpoints else choice
