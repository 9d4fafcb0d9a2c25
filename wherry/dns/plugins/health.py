"""health [ADDRESS]: `/health` on :8080 says OK while the process lives.

health { lameduck 5s }    after the order to stop, go on serving for so long, until clients have turned away
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.durations import seconds
from wherry.dns.httpport import HttpPort, address
from wherry.dns.query import Quiet

PORT = 8080


class Health(Quiet):
    """The plugin."""

    def __init__(self, at: tuple[str, int], lameduck: float):
        self.lameduck = lameduck
        self._port = HttpPort(at, "/health", self._respond)

    async def start(self) -> None:
        """Listen."""
        await self._port.start()

    async def stop(self) -> None:
        """Stop listening."""
        await self._port.stop()

    async def linger(self) -> None:
        """Wait the lame-duck time out."""
        await asyncio.sleep(self.lameduck)

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text="OK")


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Health:
    """Make the plugin."""
    lameduck = 0.0
    for option in directive.options:
        if option.name != "lameduck" or len(option.args) != 1:
            raise directive.error(f"line {option.line}: cannot read {option.name}")
        lameduck = seconds(option.args[0], directive)
    return Health(address(directive, PORT), lameduck)
