"""The way in with privilege: a table like the nftables mode's leads connections to the proxy's own address."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Callable, Iterable

from wherry.net import listening
from wherry.net.addresses import Addresses, local
from wherry.objects.family import Family, family_of
from wherry.proxy.endpoint import Endpoint
from wherry.proxy.modes import ModeConfig, ModeError
from wherry.proxy.modes.nftables.mode import NftablesMode
from wherry.proxy.modes.userspace.layout import RedirectLayout
from wherry.proxy.modes.userspace.names import DOORS, LINK, PORT
from wherry.proxy.modes.userspace.redirects import is_relayed, redirected
from wherry.proxy.modes.userspace.relay import Relay
from wherry.proxy.plan import Change, Frontend, Plan, Route, difference

BACKLOG = 4096  # what net.core.somaxconn allows at most, by default
ROUTE_SECONDS = 5.0
"""How long the kernel may take to route to a new address: to IPv6 ones it does a moment after they are there."""


class Redirection:
    """One TCP socket for each family, one UDP socket for each frontend, and the table that leads there."""

    def __init__(self, config: ModeConfig, relay: Relay):
        self._table = NftablesMode(config, RedirectLayout)
        self._relay = relay
        self._listening: dict[Family, socket.socket] = {}
        self._bound: dict[Frontend, socket.socket] = {}
        self._led: dict[Frontend, Route] = {}

    async def load(self, plan: Plan) -> None:
        """Lead everything here."""
        whole = difference(Plan(), plan)
        await self._open(whole)
        self._led = {f: redirected(route, self._door(f)) for f, route in plan.routes.items()}
        await self._table.load(Plan(self._led))
        self._close(set(self._bound) - {f for f, route in plan.routes.items() if is_relayed(route)})
        self._cut(whole)

    async def apply(self, change: Change) -> None:
        """Lead here what came, and no more what went."""
        await self._open(change)
        led: dict[Frontend, tuple[Route | None, Route | None]] = {}
        for frontend, (_, after) in change.routes.items():
            now = redirected(after, self._door(frontend)) if after is not None else None
            led[frontend] = self._led.pop(frontend, None), now
            if now is not None:
                self._led[frontend] = now
        await self._table.apply(Change({f: pair for f, pair in led.items() if pair[0] != pair[1]}))
        self._close({f for f, (_, after) in change.routes.items() if not is_relayed(after)})
        self._cut(change)

    async def differences(self) -> list[str]:
        """Return what is not as it was left."""
        there = await asyncio.to_thread(local)
        missing = [f"address {DOORS[f]} of {LINK}" for f in self._listening if DOORS[f] not in there]
        return [*missing, *await self._table.differences(Plan(self._led))]

    @contextlib.asynccontextmanager
    async def at_work(self, suspect: Callable[[], None]) -> AsyncIterator[None]:
        """Hear of what others change."""
        async with self._table.at_work(suspect):
            yield

    def close(self) -> None:
        """Listen no more."""
        self._close(set(self._bound))
        for listener in self._listening.values():
            self._relay.connections.unlisten(listener)
        self._listening, self._led = {}, {}

    def _door(self, frontend: Frontend) -> Endpoint:
        """Return where a frontend's connections are led; of one that nobody listens for it does not matter."""
        family = frontend.family
        sockets = self._bound.get(frontend) if frontend.protocol == "UDP" else self._listening.get(family)
        return Endpoint(DOORS[family], sockets.getsockname()[1] if sockets else PORT)

    async def _open(self, change: Change) -> None:
        """Listen for what is to be relayed; raises `ModeError`."""
        come = [f for f, (_, after) in change.routes.items() if is_relayed(after)]
        try:
            await self._make_doors({f.family for f in come})
            for frontend in come:
                door = DOORS[frontend.family]
                if frontend.protocol == "UDP" and frontend not in self._bound:
                    self._bound[frontend] = listening.datagrams(door, 0)
                    self._relay.relay_datagrams(self._bound[frontend], frontend)
                elif frontend.protocol == "TCP" and frontend.family not in self._listening:
                    self._listening[frontend.family] = _listen(door)
                    self._relay.relay_redirected(self._listening[frontend.family], frontend.family)
        except OSError as error:
            raise ModeError(f"cannot listen on {LINK} for the proxy: {error.strerror or 'no route to it'}") from error

    async def _make_doors(self, families: set[Family]) -> None:
        add_doors(families)
        async with asyncio.timeout(ROUTE_SECONDS):
            for door in (DOORS[family] for family in families - self._listening.keys()):
                while not _leads_here(door):  # noqa: ASYNC110 - it is not worth a socket for news
                    await asyncio.sleep(0.001)

    def _close(self, frontends: set[Frontend]) -> None:
        for frontend in frontends:
            if (bound := self._bound.pop(frontend, None)) is not None:
                self._relay.sessions.unserve(bound)

    def _cut(self, change: Change) -> None:
        """End UDP sessions with endpoints that serve no longer."""
        for frontend, (_, after) in change.routes.items():
            if after is not None and (bound := self._bound.get(frontend)) is not None:
                self._relay.sessions.cut(bound, after.lasting)


def add_doors(families: Iterable[Family]) -> None:
    """Give this machine the proxy's addresses. Raises OSError, without privilege with errno EPERM."""
    with Addresses() as addresses:
        addresses.change(addresses.index(LINK), add=[DOORS[family] for family in families])


def delete_doors() -> None:
    """Take them away; no error if there are none. Raises OSError."""
    with Addresses() as addresses:
        if held := addresses.all().keys() & set(DOORS.values()):
            addresses.change(addresses.index(LINK), delete=held)


def _leads_here(door: str) -> bool:
    """Return whether there is a route to an address over the loopback link."""
    with socket.socket(family_of(door).number, socket.SOCK_DGRAM) as asking:
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, LINK.encode())
        try:
            asking.connect((door, PORT))
        except OSError:
            return False
        return True


def _listen(door: str) -> socket.socket:
    """Listen where it is foreseen, or where there is room."""
    try:
        return listening.listen(door, PORT, BACKLOG)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return listening.listen(door, 0, BACKLOG)
