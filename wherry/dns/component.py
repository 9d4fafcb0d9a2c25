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
from wherry.component.troubles import Troubles
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
        self._troubles = Troubles("dns")
        environment = Environment(
            client=connect,
            resolve=refuse,
            changed=self._changed,
            reload=reload,
            fail=self._fail,
            metrics=metrics,
            corefile=str(config.corefile),
            waiting=self._waiting,
            troubles=self._troubles,
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
        waiting = [n for built in self._chains for n, plugin in built.plugins.items() if not plugin.is_ready()]
        return [*waiting, *(["troubles"] if self._troubles.stalled() else ())]

    def _fail(self, why: str) -> None:
        if not self.failed.done():
            self.failed.set_exception(LoopError(why))


def _moved(block: corefile.ServerBlock, port: int) -> corefile.ServerBlock:
    zones = tuple((zone, port if p == corefile.DEFAULT_PORT else p) for zone, p in block.zones)
    return corefile.ServerBlock(zones, block.directives, block.line)


async def run(connect: Callable[[], Client], config: DnsConfig) -> None:
    """Serve until cancelled, lingering as `health` says.

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
        self._reload = asyncio.Event()
        self._current: Instance

    async def run(self) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self._reload.set)
        self._current = self._load()
        await self._current.start()
        log.info("serving", extra={"ports": ",".join(map(str, self._current.servers))})
        try:
            while True:
                await _first(self._reload.wait(), asyncio.shield(self._current.failed))
                self._reload.clear()
                await self._replace()
        except asyncio.CancelledError:
            log.info("stopping")
            await self._current.linger()
            await self._current.stop()
            raise

    def _load(self) -> Instance:
        return Instance(self._config, self._connect, self._metrics, self._reload.set, self._sockets)

    async def _replace(self) -> None:
        """Let a new Corefile take over once it can answer; the old one serves meanwhile, and goes on if it cannot."""
        try:
            new = self._load()
        except CorefileError as error:
            self._refuse(error)
            return
        old = new
        try:
            await new.begin()
            await new.ready()
            await new.listen()
            old, self._current = self._current, new
            self._metrics.reloads.inc()
            log.info("reloaded")
        except (OSError, ConfigError) as error:
            self._refuse(error)
        finally:
            await old.stop()
            self._sockets.keep(self._current.servers)

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
