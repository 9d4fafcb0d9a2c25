"""The way in without privilege: the proxy binds what this machine lets it, and says what it cannot.

That is node ports, and other addresses of Services that are this machine's already.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Collection

from wherry.net import listening
from wherry.proxy.modes.userspace.redirects import RELAYED, is_relayed
from wherry.proxy.modes.userspace.relay import Relay
from wherry.proxy.plan import Change, Frontend, Plan, Route, difference

log = logging.getLogger(__name__)

AGAIN_SECONDS = 5.0
"""How long until what could not be bound is tried again: its port may be another's, its address may come."""
MOST_NAMED = 20
BACKLOG = 4096


class Binding:
    """A socket for each frontend that has endpoints."""

    def __init__(self, relay: Relay):
        self._relay = relay
        self._routes: dict[Frontend, Route] = {}
        self._sockets: dict[Frontend, socket.socket] = {}
        self._unbound: dict[Frontend, str] = {}  # and why

    async def load(self, plan: Plan) -> None:
        """Bind what the plan has."""
        await self.apply(difference(Plan(self._routes), plan))

    async def apply(self, change: Change) -> None:
        """Bind what came, and let go of what has nobody to relay to: the kernel refuses that."""
        before = set(self._unbound)
        for frontend, (_, after) in change.routes.items():
            if after is None:
                self._routes.pop(frontend, None)
            else:
                self._routes[frontend] = after
            self._settle(frontend, after)
        if new := self._unbound.keys() - before:
            log.warning("%s", self._told(new))

    @contextlib.asynccontextmanager
    async def at_work(self, _: Callable[[], None]) -> AsyncIterator[None]:
        """Try again what could not be bound."""
        trying = asyncio.create_task(self._try_again())
        try:
            yield
        finally:
            trying.cancel()
            await asyncio.gather(trying, return_exceptions=True)

    async def differences(self) -> list[str]:
        """Return nothing: no other can change the proxy's sockets."""
        return []

    def close(self) -> None:
        """Let go of everything."""
        for frontend in list(self._sockets):
            self._let_go(frontend)
        self._routes, self._unbound = {}, {}

    async def _try_again(self) -> None:
        while True:
            await asyncio.sleep(AGAIN_SECONDS)
            for frontend in [f for f in self._unbound if f.protocol in RELAYED]:
                self._bind(frontend)

    def _settle(self, frontend: Frontend, route: Route | None) -> None:
        if route is not None and frontend.protocol not in RELAYED:
            self._unbound[frontend] = f"{frontend.protocol} is not relayed without privilege"
        elif not is_relayed(route):
            self._unbound.pop(frontend, None)
            self._let_go(frontend)
        elif frontend not in self._sockets:
            self._bind(frontend)
        elif route is not None and frontend.protocol == "UDP":
            self._relay.sessions.cut(self._sockets[frontend], route.lasting)

    def _bind(self, frontend: Frontend) -> None:
        try:
            self._open(frontend)
        except OSError as error:
            self._unbound[frontend] = os.strerror(error.errno or 0).lower()
        else:
            self._unbound.pop(frontend, None)

    def _told(self, frontends: Collection[Frontend]) -> str:
        named = sorted(frontends)[:MOST_NAMED]
        rest = f" and {len(frontends) - len(named)} more" if len(named) < len(frontends) else ""
        lines = (f"{f} of {self._routes[f].owner} ({self._unbound[f]})" for f in named)
        return f"without privilege (CAP_NET_ADMIN) these are not served: {', '.join(lines)}{rest}"

    def _open(self, frontend: Frontend) -> None:
        if frontend.protocol == "UDP":
            self._sockets[frontend] = listening.datagrams(frontend.address, frontend.port)
            self._relay.relay_datagrams(self._sockets[frontend], frontend, guarded=True)
        else:
            self._sockets[frontend] = listening.listen(frontend.address, frontend.port, BACKLOG)
            self._relay.relay(self._sockets[frontend], frontend)

    def _let_go(self, frontend: Frontend) -> None:
        held = self._sockets.pop(frontend, None)
        if held is None:
            return
        if frontend.protocol == "UDP":
            self._relay.sessions.unserve(held)
        else:
            self._relay.connections.unlisten(held)
