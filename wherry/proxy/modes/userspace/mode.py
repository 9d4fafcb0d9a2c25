"""The mode: a relay, and one of two ways to it."""

from __future__ import annotations

import contextlib
import errno
import logging
from collections.abc import AsyncIterator, Callable

from wherry.objects.family import Family
from wherry.proxy.endpoint import Endpoint
from wherry.proxy.modes import ModeConfig, ModeError
from wherry.proxy.modes.nftables.mode import NftablesMode
from wherry.proxy.modes.userspace.binding import Binding
from wherry.proxy.modes.userspace.layout import RedirectLayout
from wherry.proxy.modes.userspace.living import keep, living
from wherry.proxy.modes.userspace.names import DOORS, LINK, PORT
from wherry.proxy.modes.userspace.redirection import Redirection, add_doors, delete_doors
from wherry.proxy.modes.userspace.redirects import is_relayed, redirected
from wherry.proxy.modes.userspace.relay import Relay
from wherry.proxy.plan import Change, Plan

log = logging.getLogger(__name__)

DRAIN_SECONDS = 1.0
"""How long connections may take to end, should the process do so too: meanwhile no change of Services is followed."""


class UserspaceMode:
    """`Mode` in this process. `privileged`: whether the kernel may be told anything; None: that is tried."""

    def __init__(self, config: ModeConfig, *, privileged: bool | None = None):
        self._config = config
        self._privileged = privileged
        self._relay: Relay | None = None
        self._way: Redirection | Binding | None = None
        self._stands_in = False  # nftables' rules, where nobody relayed

    async def load(self, plan: Plan) -> None:
        """Listen, and have everything led here; only then what stood in meanwhile goes."""
        relay, way = self._at_work
        relay.load(plan)
        await way.load(plan)
        if self._stands_in:
            await NftablesMode(self._config).cleanup()
            self._stands_in = False

    async def apply(self, change: Change) -> None:
        """Apply one change."""
        if change.routes:
            relay, way = self._at_work
            relay.change(change)
            await way.apply(change)

    async def cleanup(self) -> None:
        """Take away the tables and the addresses; connections end."""
        if self._relay is not None and self._way is not None:
            self._way.close()
            self._relay.close()
            self._relay.connections.close()
        for connections in living():
            connections.close()
        await NftablesMode(self._config, RedirectLayout).cleanup()
        try:
            delete_doors()
        except OSError as error:
            raise ModeError(f"cannot take the proxy's addresses from {LINK}: {error}") from error

    async def retire(self) -> bool:
        """Stay until connections that this process has relayed have ended."""
        if living():
            return False
        await self.cleanup()
        return True

    async def differences(self, plan: Plan) -> list[str]:
        """Return what leads here and is not as it was left; the proxy's own sockets nobody else can change."""
        return await self._way.differences() if self._way is not None else []

    @contextlib.asynccontextmanager
    async def at_work(self, suspect: Callable[[], None]) -> AsyncIterator[None]:
        """Relay. At the end nftables' rules stand in, with privilege, so that new connections do not fail.

        Those there are go on as long as the process does.
        """
        privileged = _is_privileged() if self._privileged is None else self._privileged
        self._relay = relay = Relay(self._config)
        self._way = way = Redirection(self._config, relay) if privileged else Binding(relay)
        self._stands_in = privileged
        try:
            async with way.at_work(suspect):
                yield
        finally:
            try:
                if privileged and relay.plan.routes:
                    await self._hand_over(relay)
            finally:
                way.close()
                relay.close()
                keep(relay.connections)
                self._relay = self._way = None

    def render(self, plan: Plan) -> str:
        """Return the script that fills an empty kernel; which ports UDP sockets get, only the kernel knows."""
        led = {f: redirected(route, Endpoint(DOORS[f.family], PORT)) for f, route in plan.routes.items()}
        families = sorted({f.family for f, route in plan.routes.items() if is_relayed(route)})
        doors = "".join(f"# the proxy listens on {LINK} at {DOORS[f]}: for UDP at further ports\n" for f in families)
        return doors + NftablesMode(self._config, RedirectLayout).render(Plan(led))

    @property
    def _at_work(self) -> tuple[Relay, Redirection | Binding]:
        if self._relay is None or self._way is None:
            raise ModeError("nobody relays: the userspace mode is not at work")
        return self._relay, self._way

    async def _hand_over(self, relay: Relay) -> None:
        """Let the kernel do it while nobody is here, and give connections a moment to end."""
        try:
            await NftablesMode(self._config).load(relay.plan)
            await NftablesMode(self._config, RedirectLayout).cleanup()
        except ModeError as error:
            log.warning("Services are not served until a proxy is back: %s", error)
        else:
            await relay.connections.drained(DRAIN_SECONDS)


def _is_privileged() -> bool:
    """Return whether the kernel lets this process redirect: it lets it give an address (CAP_NET_ADMIN)."""
    try:
        add_doors([Family.V4])
    except OSError as error:
        if error.errno != errno.EPERM:
            log.warning("cannot give %s an address: %s", LINK, error)
        return False
    return True
