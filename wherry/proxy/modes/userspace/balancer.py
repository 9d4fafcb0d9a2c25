"""In which order a client is offered endpoints: in turn, or with affinity his own first (pure; time is passed in)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

from wherry.proxy.endpoint import Endpoint
from wherry.proxy.plan import Route
from wherry.proxy.service import ServicePortName

MOST_BOUND = 262144
"""Clients that are remembered, as many as the nftables mode's map holds; the longest bound is forgotten first."""


class _Bound(NamedTuple):
    endpoint: Endpoint
    until: float


class Balancer:
    """Whose turn it is at each service port, and where clients with affinity stay.

    Affinity is per client and service port, as upstream. A client that is not known, such as after a restart, comes
    first to the endpoint that its address and the endpoints' make: the same as before while they are the same
    (rendezvous hashing).
    """

    def __init__(self) -> None:
        self._turns: dict[ServicePortName, int] = {}
        self._bound: OrderedDict[tuple[ServicePortName, str], _Bound] = OrderedDict()

    def offers(self, route: Route, client: str, *, inside: bool, now: float) -> Iterator[Endpoint]:
        """Yield the endpoints for a new connection, the one to try first at first."""
        choice = route.inside if inside or route.outside is None else route.outside
        endpoints = choice.endpoints
        if route.affinity_seconds:
            yield from self._with_affinity(route, client, endpoints, now)
            return
        turn = self._turns.get(route.owner, 0)
        self._turns[route.owner] = turn + 1
        yield from (endpoints[(turn + i) % len(endpoints)] for i in range(len(endpoints)))

    def took(self, route: Route, client: str, endpoint: Endpoint, now: float) -> None:
        """Remember where a client's new connection went."""
        if not route.affinity_seconds:
            return
        self._bound[route.owner, client] = _Bound(endpoint, now + route.affinity_seconds)
        self._bound.move_to_end((route.owner, client))
        oldest = next(iter(self._bound.values()))
        if len(self._bound) > MOST_BOUND or oldest.until < now:
            self._bound.popitem(last=False)

    def forget(self, owner: ServicePortName) -> None:
        """Forget the turn of a service port that is no more; its clients run out by themselves."""
        self._turns.pop(owner, None)

    def _with_affinity(
        self, route: Route, client: str, endpoints: tuple[Endpoint, ...], now: float
    ) -> Iterator[Endpoint]:
        bound = self._bound.get((route.owner, client))
        held = bound.endpoint if bound is not None and bound.until > now and bound.endpoint in endpoints else None
        if held is not None:
            yield held
        yield from (e for e in sorted(endpoints, key=lambda e: _rank(client, e)) if e != held)


def _rank(client: str, endpoint: Endpoint) -> bytes:
    return blake2b(f"{client} {endpoint.target}".encode(), digest_size=8).digest()
