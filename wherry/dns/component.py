"""`wherry dns`: loads the Corefile, serves, reloads; nothing asked of us is lost while a new Corefile takes over."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from wherry.client.interface import Client
from wherry.client.kubeconfig import ConfigError
from wherry.dns import chain, corefile
from wherry.dns.chain import Chain, Environment
from wherry.dns.errors import CorefileError, LoopError
from wherry.dns.metrics import Metrics
from wherry.dns.query import Answer, Plugin, Query, refuse
from wherry.dns.server import Server
from wherry.dns.sockets import Sockets

log = logging.getLogger(__name__)


@dataclass
class DnsConfig:
    """`corefile`: its path. `host`: the address to listen on. `port`: replaces port 53 of the Corefile, if given."""

    corefile: Path
    host: str = ""
    port: int | None = None


class Instance:
    """One loaded Corefile: its chains and servers. Raises CorefileError."""

    def __init__(
        self,
        config: DnsConfig,
        connect: Callable[[], Client],
        metrics: Metrics,
        reload: Callable[[], None],
        sockets: Sockets | None = None,
    ):
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.servers: dict[int, Server] = {}
        self._sockets = sockets or Sockets(config.host)
        self._chains: list[Chain] = []
        environment = Environment(
            client=connect,
            resolve=refuse,
            changed=self._changed,
            reload=reload,
            fail=self._fail,
            metrics=metrics,
            corefile=str(config.corefile),
            waiting=self._waiting,
        )
        for port, chains in self._build(config, environment).items():
            self.servers[port] = Server(port, chains, metrics)

    @property
    def plugins(self) -> list[Plugin]:
        """All plugins of all server blocks."""
        return [plugin for built in self._chains for plugin in built.plugins.values()]

    async def start(self) -> None:
        """Listen, and start the plugins: until those are ready the answer is SERVFAIL. Raises OSError, ConfigError."""
        await self.listen()
        await self.begin()

    async def listen(self) -> None:
        """Take queries; raises OSError when a port is taken."""
        for port, server in self.servers.items():
            await server.listen(self._sockets.of(port))

    async def begin(self) -> None:
        """Start the plugins; raises OSError when a port is taken, ConfigError when the API cannot be found."""
        for plugin in self.plugins:
            await plugin.start()

    async def ready(self) -> None:
        """Return once every plugin can answer."""
        await asyncio.gather(*(plugin.ready() for plugin in self.plugins))

    async def linger(self) -> None:
        """Serve on for as long as a plugin wants to."""
        await asyncio.gather(*(plugin.linger() for plugin in self.plugins))

    async def stop(self) -> None:
        """Answer what was asked, and end."""
        await asyncio.gather(*(server.stop() for server in self.servers.values()))
        for plugin in self.plugins:
            await plugin.stop()

    def _build(self, config: DnsConfig, environment: Environment) -> dict[int, list[Chain]]:
        try:
            text = config.corefile.read_text()
        except OSError as error:
            raise CorefileError(f"{config.corefile}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise CorefileError(f"{config.corefile}: {error}") from error
        blocks = corefile.parse(text, os.environ)
        if config.port is not None:
            blocks = [_moved(b, config.port) for b in blocks]
        built: dict[int, Chain] = {}
        for block in blocks:
            resolve = partial(self._resolve, block.zones[0][1])
            built[id(block)] = chain.build(block, replace(environment, resolve=resolve))
        self._chains = list(built.values())
        return {port: [built[id(b)] for b in at] for port, at in chain.ports(blocks).items()}

    async def _resolve(self, port: int, query: Query) -> Answer:
        return await self.servers[port].resolve(query)

    def _changed(self) -> None:
        for server in self.servers.values():
            server.forget()

    def _waiting(self) -> list[str]:
        return [n for built in self._chains for n, plugin in built.plugins.items() if not plugin.is_ready()]

    def _fail(self, why: str) -> None:
        if not self.failed.done():
            self.failed.set_exception(LoopError(why))


def _moved(block: corefile.ServerBlock, port: int) -> corefile.ServerBlock:
    zones = tuple((zone, port if p == corefile.DEFAULT_PORT else p) for zone, p in block.zones)
    return corefile.ServerBlock(zones, block.directives, block.line)


async def run(connect: Callable[[], Client], config: DnsConfig) -> None:
    """Serve until SIGTERM, lingering as `health` says.

    Raises CorefileError, ConfigError or OSError for what cannot work from the start, LoopError for a loop.
    """
    await _Service(connect, config).run()


async def check(config: DnsConfig) -> None:
    """Read the whole Corefile without serving; raises CorefileError."""
    Instance(config, _nowhere, Metrics(), lambda: None)


def _nowhere() -> Client:
    raise AssertionError("plugins connect when they start")


class _Service:
    """The process: one instance at a time, a new one taking over when the Corefile changes."""

    def __init__(self, connect: Callable[[], Client], config: DnsConfig):
        self._connect = connect
        self._config = config
        self._metrics = Metrics()
        self._sockets = Sockets(config.host)
        self._stop = asyncio.Event()
        self._reload = asyncio.Event()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGUSR1, self._reload.set)
        current = self._load()
        await current.start()
        log.info("serving", extra={"ports": ",".join(map(str, current.servers))})
        while not self._stop.is_set():
            await _first(self._stop.wait(), self._reload.wait(), asyncio.shield(current.failed))
            if self._reload.is_set() and not self._stop.is_set():
                self._reload.clear()
                current = await self._replace(current)
        log.info("stopping")
        await current.linger()
        await current.stop()

    def _load(self) -> Instance:
        return Instance(self._config, self._connect, self._metrics, self._reload.set, self._sockets)

    async def _replace(self, current: Instance) -> Instance:
        """Let a new Corefile take over once it can answer; `current` serves meanwhile, and goes on if it cannot."""
        try:
            new = self._load()
        except CorefileError as error:
            self._refuse(error)
            return current
        try:
            await new.begin()
            await _first(new.ready(), self._stop.wait())
            if not self._stop.is_set():
                await new.listen()
        except (OSError, ConfigError) as error:
            self._refuse(error)
            taken = False
        else:
            taken = not self._stop.is_set()
        old, new = (current, new) if taken else (new, current)
        await old.stop()
        self._sockets.keep(new.servers)
        if taken:
            self._metrics.reloads.inc()
            log.info("reloaded")
        return new

    def _refuse(self, why: Exception) -> None:
        self._metrics.reload_failures.inc()
        log.error("the new Corefile is not taken: %s", why)


async def _first(*events: Awaitable[Any]) -> None:
    """Return once one of the events has happened; raises what it raised."""
    waiting = [asyncio.ensure_future(event) for event in events]
    try:
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for event in done:
            event.result()
    finally:
        for event in waiting:
            event.cancel()
