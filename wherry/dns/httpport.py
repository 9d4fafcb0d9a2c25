"""A small HTTP listener for the plugins that have one (health, ready, prometheus)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from wherry.dns.corefile import Directive

Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


class HttpPort:
    """One GET path on one address; `start` and `stop` as a plugin's."""

    def __init__(self, address: tuple[str, int], path: str, respond: Respond):
        self._address = address
        app = web.Application()
        app.router.add_get(path, respond)
        self._runner = web.AppRunner(app, access_log=None)

    async def start(self) -> None:
        """Listen."""
        await self._runner.setup()
        host, port = self._address
        await web.TCPSite(self._runner, host or None, port, reuse_address=True, reuse_port=True).start()

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()


def address(directive: Directive, default: int) -> tuple[str, int]:
    """Read a directive's optional `[ADDRESS]:PORT`."""
    if not directive.args:
        return "", default
    host, colon, port = directive.args[0].rpartition(":")
    if len(directive.args) > 1 or not colon or not port.isdigit():
        raise directive.error(f"{' '.join(directive.args)} is not an address like :{default}")
    return host.strip("[]"), int(port)
