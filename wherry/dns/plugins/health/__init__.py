"""health [ADDRESS]: `/health` on :8080 says OK while the process lives.

health { lameduck 5s }    after the order to stop, go on serving for so long, until clients have turned away
"""

from __future__ import annotations

import asyncio
import contextlib
import time

import aiohttp
from aiohttp import web

from wherry.dns.beside import Beside
from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.durations import seconds
from wherry.dns.httpport import HttpPort, address
from wherry.dns.query import Quiet
from wherry.objects.family import bracketed

PORT = 8080
SELF_SECONDS = 1.0


class Health(Quiet):
    """The plugin."""

    def __init__(self, at: tuple[str, int], lameduck: float, environment: Environment):
        self.lameduck = lameduck
        self._at = at
        self._environment = environment
        self._port = HttpPort(at, "/health", self._respond)
        self._beside = Beside("health", self._measure, environment.troubles)

    async def start(self) -> None:
        """Listen, and ask ourselves once a second how long that takes: all that is slow here is slow there."""
        await self._port.start()
        self._beside.start()

    async def stop(self) -> None:
        """Stop listening."""
        self._beside.stop()
        await self._port.stop()

    async def _measure(self) -> None:
        metrics, url = self._environment.metrics, f"http://{bracketed(self._at[0] or 'localhost')}:{self._at[1]}/health"
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(1.0)) as session:
            while True:
                await asyncio.sleep(SELF_SECONDS)
                start = time.perf_counter()
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with session.get(url):
                        metrics.health_seconds.observe(time.perf_counter() - start)
                        continue
                metrics.health_failures.inc()

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
            raise directive.unknown(option)
        lameduck = seconds(option.args[0], directive)
    return Health(address(directive, PORT), lameduck, environment)
