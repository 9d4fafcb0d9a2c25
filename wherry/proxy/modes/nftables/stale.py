"""What the kernel stored for a route that changed: client affinities and UDP flows that must not go on (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from wherry.net.conntrack import Address, Path
from wherry.proxy.endpoint import Endpoint
from wherry.proxy.modes.nftables.layout import key
from wherry.proxy.plan import Change, Frontend, Route


def affinity_suspects(change: Change) -> set[Frontend]:
    """Return the frontends clients may be bound to by an endpoint that takes no new connections any more."""
    return {f for f, (before, after) in change.routes.items() if before and _bindable(before) - _bindable(after)}


def stale_affinities(listed: Iterable[Any], suspects: Iterable[Frontend], change: Change) -> Iterator[tuple[str, str]]:
    """Yield (key, data) of each element of the map `affinity`, as nft's JSON lists it, that must go after `change`."""
    allowed = {key(f): {e[:2] for e in _bindable(change.routes[f][1])} for f in suspects}
    for element, data in listed:
        parts = element.get("elem", {}).get("val", element)["concat"]
        client, frontend = parts[0], " . ".join(map(str, parts[1:]))
        address, port = data["concat"]
        if frontend in allowed and (address, port) not in allowed[frontend]:
            yield f"{client} . {frontend}", f"{address} . {port}"


def stale_paths(change: Change) -> Callable[[Path], bool] | None:
    """Return what tells the path of stale UDP flows: to a changed frontend, answered by none that may answer.

    That is also a flow from before its frontend was a Service's, so its packets are routed anew. None: no path is.
    """
    allowed: dict[Address, set[Address]] = {}
    for frontend, (before, after) in change.routes.items():
        if frontend.protocol == "UDP" and (before is None or _lasting(before) - _lasting(after)):
            allowed[frontend.address, frontend.port] = _lasting(after)
    if not allowed:
        return None
    return lambda path: path.destination in allowed and path.answerer not in allowed[path.destination]


def _bindable(route: Route | None) -> set[Endpoint]:
    if route is None or not route.affinity_seconds:
        return set()
    return {*route.inside.endpoints, *(route.outside.endpoints if route.outside else ())}


def _lasting(route: Route | None) -> set[Address]:
    return {e[:2] for e in route.lasting} if route else set()
