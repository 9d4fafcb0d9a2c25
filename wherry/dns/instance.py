"""One loaded Corefile: its chains, and the servers they are reached at."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from wherry.client.interface import Client
from wherry.component.troubles import Troubles
from wherry.dns import chain, corefile, places
from wherry.dns.chain import Chain, Environment
from wherry.dns.corefile import ServerBlock
from wherry.dns.errors import CorefileError, LoopError
from wherry.dns.metrics import Metrics
from wherry.dns.places import Place
from wherry.dns.query import Answer, Plugin, Query, refuse
from wherry.dns.server import Server
from wherry.dns.sockets import Sockets
from wherry.dns.transports import udp
from wherry.dns.transports.stream import Streams
from wherry.dns.transports.tls import Certificates


@dataclass
class DnsConfig:
    """`corefile`: its path. `host`: the address to listen on. `port`: replaces port 53 of the Corefile, if given."""

    corefile: Path
    host: str = ""
    port: int | None = None


@dataclass
class Listener:
    """A server and its transports, once it listens. `certificates` is there where TLS is spoken."""

    server: Server
    certificates: ssl.SSLContext | None
    datagrams: asyncio.DatagramTransport | None = None
    streams: Streams | None = None

    async def start(self, sockets: Sockets) -> None:
        """Take queries; raises OSError when the port is taken."""
        pair = sockets.of(self.server.place)
        if pair.udp:
            self.datagrams = await udp.listen(self.server, pair.udp)
        self.streams = Streams(self.server, "tls" if self.certificates else "tcp")
        await self.streams.listen(pair.tcp, self.certificates)

    async def stop(self) -> None:
        """Take nothing more; return once what was taken is answered."""
        if self.datagrams:
            self.datagrams.close()
        if self.streams:
            self.streams.close()
        await self.server.drain()


class Instance:
    """One loaded Corefile. Raises CorefileError."""

    def __init__(
        self,
        config: DnsConfig,
        connect: Callable[[], Client],
        metrics: Metrics,
        reload: Callable[[], None],
        sockets: Sockets | None = None,
    ):
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.listeners: dict[Place, Listener] = {}
        self.chains: list[Chain] = []
        self._sockets = sockets or Sockets()
        self._owns_sockets = sockets is None
        self._metrics = metrics
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
            plugins={},
        )
        self._build(config, environment)

    @property
    def servers(self) -> dict[Place, Server]:
        """Its servers, by where they are."""
        return {place: listener.server for place, listener in self.listeners.items()}

    @property
    def plugins(self) -> list[Plugin]:
        """All plugins of all server blocks."""
        return [plugin for built in self.chains for plugin in built.plugins.values()]

    async def start(self) -> None:
        """Listen, and start the plugins: until those are ready the answer is SERVFAIL. Raises OSError, ConfigError."""
        await self.listen()
        await self.begin()

    async def listen(self) -> None:
        """Take queries; raises OSError when a port is taken, CorefileError when its place cannot be made."""
        for built in self.chains:
            chain.declared(built.block, "prepare")
        for listener in self.listeners.values():
            await listener.start(self._sockets)
        self._metrics.refresh.append(self._refresh)

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
        await asyncio.gather(*(listener.stop() for listener in self.listeners.values()))
        for plugin in self.plugins:
            await plugin.stop()
        if self._owns_sockets:
            self._sockets.keep(())
        if self._refresh in self._metrics.refresh:
            self._refresh()
            self._metrics.refresh.remove(self._refresh)

    def _build(self, config: DnsConfig, environment: Environment) -> None:
        blocks = [_placed(block, config) for block in corefile.load(config.corefile, os.environ)]
        built: dict[int, Chain] = {}
        for block in blocks:
            resolve = partial(self._resolve, block.places[0]._replace(zone=""))
            built[id(block)] = chain.build(block, replace(environment, resolve=resolve))
        self.chains = list(built.values())
        for place, at in chain.by_place(blocks).items():
            server = Server(place, [built[id(b)] for b in at], self._metrics)
            self.listeners[place] = Listener(server, _certificates(place, at))
            self._tell_enabled(place, at)

    def _tell_enabled(self, place: Place, blocks: list[ServerBlock]) -> None:
        for block in blocks:
            for zone in {p.zone for p in block.places}:
                for directive in block.directives:
                    self._metrics.plugins.labels(str(place), zone, "", directive.name).set(1)

    async def _resolve(self, place: Place, query: Query) -> Answer:
        return await self.listeners[place].server.resolve(query)

    def _changed(self, tags: tuple[Hashable, ...] | None) -> None:
        for listener in self.listeners.values():
            listener.server.forget(tags)

    def _refresh(self) -> None:
        for listener in self.listeners.values():
            listener.server.refresh()

    def _waiting(self) -> list[str]:
        waiting = [n for built in self.chains for n, plugin in built.plugins.items() if not plugin.is_ready()]
        return [*waiting, *(["troubles"] if self._troubles.stalled() else ())]

    def _fail(self, why: str) -> None:
        if not self.failed.done():
            self.failed.set_exception(LoopError(why))


def _placed(block: ServerBlock, config: DnsConfig) -> ServerBlock:
    """Return a block with the addresses its plugins and the command line say, and the command line's port."""
    chain.check(block)
    hosts = [host for some in chain.declared(block, "addresses") for host in some] or [config.host]
    moved = [p._replace(port=_port(p, config)) for p in block.places]
    return replace(block, places=tuple(p._replace(host=host) for p in moved for host in dict.fromkeys(hosts)))


def _port(place: Place, config: DnsConfig) -> int:
    return config.port if config.port is not None and place.port == places.PORTS["dns"] else place.port


def _certificates(place: Place, blocks: list[ServerBlock]) -> ssl.SSLContext | None:
    if place.scheme != "tls":
        return None
    found = [(c, block) for block in blocks for c in chain.declared(block, "certificates")]
    if not found:
        raise CorefileError(f"{blocks[0].at}: tls:// needs the plugin tls with a certificate and its key")
    certificates: Certificates = found[0][0]
    block = found[0][1]
    try:
        return certificates.server()
    except OSError as error:
        raise CorefileError(f"{block.at}: tls: {certificates.certificate}, {certificates.key}: {error}") from error


async def check(config: DnsConfig) -> None:
    """Read the whole Corefile without serving; raises CorefileError."""
    Instance(config, nowhere, Metrics(), lambda: None)


def nowhere() -> Client:
    """Be no connection to any API."""
    raise AssertionError("plugins connect when they start")
