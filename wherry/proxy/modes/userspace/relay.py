"""Connections and datagrams to the Services of routes: who asks for which is told by who listens."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterator
from functools import partial

from wherry.objects.family import Family
from wherry.proxy.endpoint import Endpoint
from wherry.proxy.modes import ModeConfig
from wherry.proxy.modes.userspace.balancer import Balancer
from wherry.proxy.modes.userspace.connections import Connections, Offer
from wherry.proxy.modes.userspace.limits import most_connections, most_sessions, raise_files
from wherry.proxy.modes.userspace.sessions import IDLE_SECONDS, Sessions
from wherry.proxy.modes.userspace.sources import Sources, is_admitted
from wherry.proxy.plan import Change, Frontend, Plan, Route, difference

log = logging.getLogger(__name__)

_ORIGINAL = {Family.V4: (socket.IPPROTO_IP, 80, 16), Family.V6: (socket.IPPROTO_IPV6, 80, 28)}
"""SO_ORIGINAL_DST and IP6T_SO_ORIGINAL_DST: level, name, and the bytes of the address (linux/netfilter_ipv4.h)."""


class Relay:
    """Knows the routes, and serves the sockets it is given."""

    def __init__(self, config: ModeConfig):
        files = raise_files()
        self.connections = Connections(most_connections(files))
        self.sessions = Sessions(most_sessions(files), config.udp_seconds or IDLE_SECONDS)
        self._balancer = Balancer()
        self._sources = Sources(config.cluster_cidrs)
        self._routes: dict[Frontend, Route] = {}

    @property
    def plan(self) -> Plan:
        """The routes it knows."""
        return Plan(self._routes)

    def load(self, plan: Plan) -> None:
        """Relay by a whole plan."""
        self.change(difference(self.plan, plan))

    def change(self, change: Change) -> None:
        """Take note of what changed; new connections are relayed by it."""
        for frontend, (before, after) in change.routes.items():
            if after is not None:
                self._routes[frontend] = after
            else:
                self._routes.pop(frontend, None)
                if before is not None:
                    self._balancer.forget(before.owner)

    def relay_redirected(self, listening: socket.socket, family: Family) -> None:
        """Relay what nftables has led to a socket, whatever Service was asked for."""
        self.connections.listen(listening, partial(self._offer_original, family))

    def relay(self, listening: socket.socket, frontend: Frontend) -> None:
        """Relay what comes to a socket that is bound to a frontend."""
        self.connections.listen(listening, lambda _, client: self._offer(frontend, client, guarded=True))

    def relay_datagrams(self, bound: socket.socket, frontend: Frontend, *, guarded: bool = False) -> None:
        """Relay datagrams that come to a socket; `guarded`: source ranges are looked after here, not by the kernel."""
        offers = partial(self._endpoints, frontend, guarded=guarded)
        self.sessions.serve(bound, offers, partial(self._took, frontend))

    def close(self) -> None:
        """End UDP sessions, and know no route any more."""
        self._routes = {}
        self.sessions.close()

    def _offer_original(self, family: Family, accepted: socket.socket, client: str) -> Offer | None:
        level, name, size = _ORIGINAL[family]
        try:
            asked = accepted.getsockopt(level, name, size)
        except OSError:  # nobody led it here
            return None
        start = 4 if family is Family.V4 else 8
        address = socket.inet_ntop(family.number, asked[start : start + family.bits // 8])
        return self._offer(Frontend(address, "TCP", int.from_bytes(asked[2:4], "big")), client)

    def _offer(self, frontend: Frontend, client: str, *, guarded: bool = False) -> Offer | None:
        if frontend not in self._routes:
            return None
        return Offer(self._endpoints(frontend, client, guarded=guarded), partial(self._took, frontend, client))

    def _endpoints(self, frontend: Frontend, client: str, *, guarded: bool) -> Iterator[Endpoint]:
        route = self._routes.get(frontend)
        if route is None or (guarded and not is_admitted(client, route.sources)):
            return iter(())
        inside = route.outside is None or self._sources.is_inside(client)
        return self._balancer.offers(route, client, inside=inside, now=_now())

    def _took(self, frontend: Frontend, client: str, endpoint: Endpoint) -> None:
        if (route := self._routes.get(frontend)) is not None:
            self._balancer.took(route, client, endpoint, _now())


def _now() -> float:
    return asyncio.get_running_loop().time()
