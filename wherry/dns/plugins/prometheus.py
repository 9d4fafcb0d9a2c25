"""prometheus [ADDRESS]: `/metrics` on localhost:9153."""

from __future__ import annotations

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.httpport import HttpPort, address
from wherry.dns.query import Quiet

PORT = 9153


class Prometheus(Quiet):
    """The plugin."""

    def __init__(self, at: tuple[str, int], environment: Environment):
        self._registry = environment.metrics.registry
        self._port = HttpPort(at, "/metrics", self._respond)

    async def start(self) -> None:
        """Listen."""
        await self._port.start()

    async def stop(self) -> None:
        """Stop listening."""
        await self._port.stop()

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Prometheus:
    """Make the plugin."""
    host, port = address(directive, PORT)
    return Prometheus((host if directive.args else "localhost", port), environment)
