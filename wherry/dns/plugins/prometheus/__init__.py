"""prometheus [ADDRESS]: `/metrics` on localhost:9153."""

from __future__ import annotations

from aiohttp import web

from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.httpport import HttpPort, address
from wherry.dns.query import Quiet
from wherry.telemetry import metrics

PORT = 9153


class Prometheus(Quiet):
    """The plugin."""

    def __init__(self, at: tuple[str, int], environment: Environment):
        self._metrics = environment.metrics
        self._port = HttpPort(at, "/metrics", self._respond)

    async def start(self) -> None:
        """Listen."""
        await self._port.start()

    async def stop(self) -> None:
        """Stop listening."""
        await self._port.stop()

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        for refresh in self._metrics.refresh:
            refresh()
        body = metrics.render(metrics.registry) + metrics.render(self._metrics.registry)
        return web.Response(body=body, headers={"Content-Type": metrics.CONTENT_TYPE})


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Prometheus:
    """Make the plugin."""
    for option in directive.options:
        if option.name != "runtime_metrics":  # Go's runtime's; a process's own are always there
            raise directive.unknown(option)
    host, port = address(directive, PORT)
    return Prometheus((host if directive.args else "localhost", port), environment)
