"""`wherry dns`: loads the Corefile, serves, reloads; nothing asked of us is lost while a new Corefile takes over."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wherry.client.interface import Client
from wherry.dns import chain, corefile
from wherry.dns.chain import Chain, Environment
from wherry.dns.corefile import CorefileError
from wherry.dns.metrics import Metrics
from wherry.dns.plugins.health import Health
from wherry.dns.query import Answer, Plugin, Query, refuse
from wherry.dns.server import Server

log = logging.getLogger(__name__)


class LoopError(Exception):
    """What we forward comes back to us."""


@dataclass
class DnsConfig:
    """`corefile`: its path. `host`: the address to listen on. `port`: replaces port 53 of the Corefile, if given."""

    corefile: Path
    host: str = ""
    port: int | None = None


class Instance:
    """One loaded Corefile: its chains and servers."""

    def __init__(self, config: DnsConfig, connect: Callable[[], Client], metrics: Metrics, reload: Callable[[], None]):
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.plugins: list[Plugin] = []
        self.servers: list[Server] = []
        self._host = config.host or "0.0.0.0"
        environment = Environment(
            client=connect,
            resolve=self._resolve,
            changed=self._changed,
            reload=reload,
            fail=self._fail,
            metrics=metrics,
            corefile=str(config.corefile),
            plugins=self.plugins,
        )
        for port, chains in self._build(config, environment).items():
            self.servers.append(Server(port, chains, metrics))

    def _build(self, config: DnsConfig, environment: Environment) -> dict[int, list[Chain]]:
        try:
            text = config.corefile.read_text()
        except OSError as error:
            raise CorefileError(f"{config.corefile}: {error.strerror}") from error
        blocks = corefile.parse(text, os.environ)
        if config.port is not None:
            blocks = [_moved(b, config.port) for b in blocks]
        built = {id(block): chain.build(block, environment) for block in blocks}
        self.plugins += [p for c in built.values() for p in c.plugins]
        return {port: [built[id(b)] for b in at] for port, at in chain.ports(blocks).items()}

    async def start(self) -> None:
        """Listen, then start the plugins."""
        for server in self.servers:
            await server.listen(self._host)
        for plugin in self.plugins:
            await plugin.start()

    async def stop(self) -> None:
        """Stop listening and the plugins."""
        for server in self.servers:
            server.close()
        for plugin in self.plugins:
            await plugin.stop()

    async def linger(self) -> None:
        """Serve on for the lame-duck time."""
        await asyncio.gather(*(p.linger() for p in self.plugins if isinstance(p, Health)))

    async def _resolve(self, query: Query) -> Answer:
        return await self.servers[0].resolve(query) if self.servers else await refuse(query)

    def _changed(self) -> None:
        for server in self.servers:
            server.forget()

    def _fail(self, why: str) -> None:
        if not self.failed.done():
            self.failed.set_exception(LoopError(why))


def _moved(block: corefile.ServerBlock, port: int) -> corefile.ServerBlock:
    zones = tuple((zone, port if p == corefile.DEFAULT_PORT else p) for zone, p in block.zones)
    return corefile.ServerBlock(zones, block.directives, block.line)


async def run(connect: Callable[[], Client], config: DnsConfig) -> None:
    """Serve until SIGTERM. Raises CorefileError for a Corefile that is bad from the start, LoopError for a loop."""
    metrics = Metrics()
    reload, stop = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, reload.set)
    current = Instance(config, connect, metrics, reload.set)
    await current.start()
    log.info("serving", extra={"ports": ",".join(str(s.port) for s in current.servers)})
    while not stop.is_set():
        await _first(stop, reload, current.failed)
        if reload.is_set():
            reload.clear()
            current = await _replace(current, config, connect, metrics, reload)
    await current.linger()
    await current.stop()


async def _first(stop: asyncio.Event, reload: asyncio.Event, failed: asyncio.Future[None]) -> None:
    events = [asyncio.ensure_future(stop.wait()), asyncio.ensure_future(reload.wait())]
    waited: list[asyncio.Future[Any]] = [*events, failed]
    try:
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for event in events:
            event.cancel()
    if failed.done():
        failed.result()


async def _replace(
    current: Instance, config: DnsConfig, connect: Callable[[], Client], metrics: Metrics, reload: asyncio.Event
) -> Instance:
    """Start the new Corefile beside the old one (ports are shared meanwhile), then stop the old."""
    try:
        new = Instance(config, connect, metrics, reload.set)
    except CorefileError as error:
        metrics.reloads.labels("failed").inc()
        log.error("the new Corefile is not taken: %s", error)
        return current
    await new.start()
    await current.stop()
    metrics.reloads.labels("done").inc()
    log.info("reloaded")
    return new
