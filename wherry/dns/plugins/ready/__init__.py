"""ready [ADDRESS]: `/ready` on :8181 says OK once every plugin that reads something has read it.

From the order to stop on it says that we go, while `health`'s lame-duck time is served: who heeds it has turned away
before we do, flows of UDP included.
"""

from __future__ import annotations

from aiohttp import web

from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.httpport import HttpPort, address
from wherry.dns.query import Quiet

PORT = 8181


class Ready(Quiet):
    """The plugin."""

    def __init__(self, at: tuple[str, int], environment: Environment):
        self._environment = environment
        self._port = HttpPort(at, "/ready", self._respond)
        self._going = False

    async def start(self) -> None:
        """Listen."""
        await self._port.start()

    async def stop(self) -> None:
        """Stop listening."""
        await self._port.stop()

    async def linger(self) -> None:
        """Say from now on that we go."""
        self._going = True

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        waiting = ["stopping"] if self._going else self._environment.waiting()
        return web.Response(text=",".join(waiting), status=503) if waiting else web.Response(text="OK")


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Ready:
    """Make the plugin."""
    for option in directive.options:
        if option.name != "monitor" or option.args not in (("until-ready",), ("continuously",)):
            raise directive.unknown(option)  # we always look anew: both mean the same
    return Ready(address(directive, PORT), environment)
