"""Which routes are IPVS's: those by which everybody gets to the same endpoints (pure).

A virtual server asks nobody where he comes from. Where that matters, and where there is no endpoint, iptables does it.
"""

from __future__ import annotations

from collections.abc import Callable

from wherry.proxy.plan import Change, Frontend, Plan, Route

_Pairs = dict[Frontend, tuple[Route | None, Route | None]]


def is_balanced(route: Route | None) -> bool:
    """Tell whether a route is IPVS's."""
    return bool(route and route.inside.endpoints and route.outside is None and not route.sources)


def balanced(change: Change) -> Change:
    """Return IPVS's part of a change."""
    return _part(change, is_balanced)


def rest(change: Change) -> Change:
    """Return the other part of a change."""
    return _part(change, lambda route: not is_balanced(route))


def rest_of(plan: Plan) -> Plan:
    """Return the other part of a plan."""
    return Plan({f: route for f, route in plan.routes.items() if not is_balanced(route)})


def _part(change: Change, ours: Callable[[Route | None], bool]) -> Change:
    found: _Pairs = {}
    for frontend, pair in change.routes.items():
        before, after = (route if route is not None and ours(route) else None for route in pair)
        if before != after:
            found[frontend] = before, after
    return Change(found)
