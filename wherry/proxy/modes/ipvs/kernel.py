"""The edge to IPVS: virtual servers, the link with their addresses, and the kernel's settings for them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Iterator
from ipaddress import ip_address, ip_network

from wherry.net.addresses import Addresses
from wherry.net.ipvs import Address, Destination, Ipvs, Manner, Server, read
from wherry.net.sysctls import sysctl
from wherry.proxy.modes import ModeError
from wherry.proxy.modes.ipvs.names import LINK
from wherry.proxy.modes.ipvs.servers import Command, Servers

log = logging.getLogger(__name__)

SETTINGS = {
    "net/ipv4/vs/conntrack": "1",  # for masquerading
    "net/ipv4/vs/conn_reuse_mode": "0",  # a port that is used again waits a second otherwise (kubernetes#81775)
    "net/ipv4/vs/expire_nodest_conn": "1",  # else what goes to an endpoint that is gone vanishes (kubernetes#71358)
    "net/ipv4/vs/expire_quiescent_template": "1",  # else affinity outlives its endpoint
}
STRICT_ARP = {"net/ipv4/conf/all/arp_ignore": "1", "net/ipv4/conf/all/arp_announce": "2"}


class Kernel:
    """The network namespace of the thread that calls. Everything here raises `ModeError`."""

    def __init__(self, excluded: Iterable[str], *, strict_arp: bool):
        self._excluded = [ip_network(cidr) for cidr in excluded]
        self._settings = SETTINGS | (STRICT_ARP if strict_arp else {})
        self._link = 0

    def prepare(self) -> None:
        """Make the link, and tell the kernel what IPVS needs."""
        with _told("no IPVS here (kernel module ip_vs)"), contextlib.closing(Ipvs()):
            pass
        with _told(f"cannot make {LINK} (kernel module dummy)"), Addresses() as addresses:
            self._link = addresses.make_dummy(LINK)
        for name, value in self._settings.items():
            try:
                sysctl(name, value)
            except OSError as error:
                log.warning("%s: %s", name, error.strerror)

    async def learn(self, servers: Servers) -> None:
        """Tell `servers` what there is: every virtual server, but those of the excluded networks, counts as ours."""
        mine = self._addresses()
        for server, manner, found in await asyncio.to_thread(_read):
            if server.protocol and not self._is_excluded(server):
                weights = {at: destination.weight for at, destination in found.items()}
                servers.learn(server, manner, weights, has_address=server.address in mine)

    async def change(self, commands: list[Command]) -> None:
        """Change virtual servers."""
        if not commands:
            return

        def change() -> None:
            with _told("cannot change virtual servers"), contextlib.closing(Ipvs()) as ipvs:
                ipvs.change(commands)

        await asyncio.to_thread(change)

    def address(self, wanted: set[str]) -> None:
        """Give the link these addresses and no others."""
        with _told(f"cannot change the addresses of {LINK}"), Addresses() as addresses:
            there = _of_link(addresses, self._link)
            addresses.change(self._link, add=wanted - there, delete=there - wanted)

    def move(self, come: set[str], gone: set[str]) -> None:
        """Give the link some addresses, and take some."""
        if come or gone:
            with _told(f"cannot change the addresses of {LINK}"), Addresses() as addresses:
                addresses.change(self._link, add=come, delete=gone)

    async def idle(self, server: Server) -> list[Address]:
        """Return the destinations of a server that have no connections."""

        def look() -> list[Address]:
            with _told("cannot read virtual servers"), contextlib.closing(Ipvs()) as ipvs:
                return [at for at, found in ipvs.destinations(server).items() if not found.connections]

        return await asyncio.to_thread(look)

    async def connections(self) -> int:
        """Return how many connections our virtual servers have; 0 where no proxy has been in this mode."""
        if not _link():
            return 0
        found = await asyncio.to_thread(_read)
        return sum(d.connections for s, _, there in found if not self._is_excluded(s) for d in there.values())

    async def clean(self, servers: Servers) -> None:
        """Take our virtual servers and the link away, where a proxy has been in this mode: the link tells."""
        if not _link():
            return
        await self.learn(servers)
        for held in servers.held.values():
            held.weights.clear()
        await self.change(servers.drop_strange(()))
        with _told(f"cannot delete {LINK}"), Addresses() as addresses:
            addresses.delete_link(LINK)

    def _addresses(self) -> set[str]:
        with _told("cannot read addresses"), Addresses() as addresses:
            return _of_link(addresses, addresses.index(LINK))

    def _is_excluded(self, server: Server) -> bool:
        return any(ip_address(server.address) in network for network in self._excluded)


def _link() -> int:
    with _told("cannot read links"), Addresses() as addresses:
        return addresses.index(LINK)


def _of_link(addresses: Addresses, index: int) -> set[str]:
    return {a for a, links in addresses.all().items() if index and index in links and not a.startswith("fe80:")}


def _read() -> list[tuple[Server, Manner, dict[Address, Destination]]]:
    with _told("cannot read virtual servers"), contextlib.closing(Ipvs()) as ipvs:
        return list(read(ipvs))


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModeError(f"{what}: {error.strerror}") from error
