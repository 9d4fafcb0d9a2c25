"""What the kernel stored for a route that changed: client affinities and UDP flows that must not go on.

The same for every mode. The rules are pure; `cut_udp_flows` applies the one on flows.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from wherry.net.conntrack import Address, ConntrackError, Path, delete_udp_flows
from wherry.objects.family import Family
from wherry.proxy.endpoint import Endpoint
from wherry.proxy.plan import Change, Frontend, Route

log = logging.getLogger(__name__)


def affinity_suspects(change: Change) -> set[Frontend]:
    """Return the frontends clients may be bound to by an endpoint that takes no new connections any more."""
    return {f for f, (before, after) in change.routes.items() if before and bindable(before) - bindable(after)}


def bindable(route: Route | None) -> set[Endpoint]:
    """Return the endpoints that clients may stay bound to."""
    if route is None or not route.affinity_seconds:
        return set()
    return {*route.inside.endpoints, *(route.outside.endpoints if route.outside else ())}


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


async def cut_udp_flows(change: Change, family: Family) -> None:
    """Cut the UDP flows of one family that a change made stale. A failure is logged: they run out by themselves."""
    stale = stale_paths(change)
    if stale is None:
        return
    try:
        count = await delete_udp_flows(stale, family)
    except ConntrackError as error:
        log.warning("stale UDP flows may go on: %s", error)
    else:
        if count:
            log.info("cut %d stale UDP flows", count)


def _lasting(route: Route | None) -> set[Address]:
    return {e[:2] for e in route.lasting} if route else set()
