"""This machine's addresses, and those of a link that holds addresses and nothing else, by rtnetlink(7).

For many at once, where `links` is for a few and takes pyroute2's memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import struct
import sys
from collections.abc import AsyncIterator, Collection, Iterable

from wherry.net.netlink import NETLINK_ROUTE, Netlink, Request
from wherry.net.nfnetlink import wire
from wherry.objects.family import family_of

_NEW_LINK, _DELETE_LINK, _GET_LINK = 16, 17, 18
_NEW_ADDRESS, _DELETE_ADDRESS, _GET_ADDRESS = 20, 21, 22
_LINK = struct.Struct("=BxHiII")  # ifinfomsg: family, type, index, flags, change
_ADDRESS = struct.Struct("=BBBBi")  # ifaddrmsg: family, prefix length, flags, scope, index
_IFA_ADDRESS, _IFA_LOCAL, _IFA_FLAGS = 1, 2, 8
_IFLA_IFNAME, _IFLA_LINKINFO, _IFLA_INFO_KIND = 3, 18, 1
_NODAD_NO_ROUTE = 0x02 | 0x200  # IFA_F_NODAD, IFA_F_NOPREFIXROUTE
_UP = 1  # IFF_UP
_EXCLUSIVE = 0x200
_ADDRESSES_V4, _ADDRESSES_V6 = 0x10, 0x100  # RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR
_NEWS = 1 << 16


class Addresses:
    """The network namespace of the thread that makes it. Everything raises OSError. A context manager."""

    def __init__(self) -> None:
        self._netlink = Netlink(NETLINK_ROUTE)

    def __enter__(self) -> Addresses:
        return self

    def __exit__(self, *_: object) -> None:
        self._netlink.close()

    def all(self) -> dict[str, set[int]]:
        """Return every address, with the indexes of the links that have it."""
        found: dict[str, set[int]] = {}
        for answer in self._netlink.dump(_GET_ADDRESS, _ADDRESS.pack(0, 0, 0, 0, 0)):
            family, _, _, _, index = _ADDRESS.unpack_from(answer.content)
            held = dict(wire.attributes(answer.content[_ADDRESS.size :]))
            packed = held.get(_IFA_LOCAL) or held.get(_IFA_ADDRESS)
            if packed:
                found.setdefault(socket.inet_ntop(family, packed), set()).add(index)
        return found

    def index(self, link: str) -> int:
        """Return a link's index, 0 where there is none."""
        with contextlib.suppress(OSError):
            return socket.if_nametoindex(link)
        return 0

    def make_dummy(self, link: str) -> int:
        """Make a dummy link, up; return its index."""
        kind = wire.nested(_IFLA_LINKINFO, wire.text(_IFLA_INFO_KIND, "dummy"))
        content = _LINK.pack(0, 0, 0, _UP, _UP) + wire.text(_IFLA_IFNAME, link) + kind
        self._netlink.change([Request(_NEW_LINK, wire.CREATE | _EXCLUSIVE, content, (errno.EEXIST,))])
        index = self.index(link)
        self._netlink.change([Request(_NEW_LINK, 0, _LINK.pack(0, 0, index, _UP, _UP))])
        return index

    def delete_link(self, link: str) -> None:
        """Delete a link, its addresses with it; no error if there is none."""
        content = _LINK.pack(0, 0, 0, 0, 0) + wire.text(_IFLA_IFNAME, link)
        self._netlink.change([Request(_DELETE_LINK, 0, content, (errno.ENODEV,))])

    def change(self, index: int, *, add: Iterable[str] = (), delete: Iterable[str] = ()) -> None:
        """Give a link addresses, each alone in its network, and take some from it."""
        self._netlink.change(
            [
                *(Request(_NEW_ADDRESS, wire.CREATE, _about(index, a), (errno.EEXIST,)) for a in add),
                *(Request(_DELETE_ADDRESS, 0, _about(index, a), (errno.EADDRNOTAVAIL,)) for a in delete),
            ]
        )


def local(without: Collection[str] = ()) -> set[str]:
    """Return the addresses of all links but some, by name. Raises OSError."""
    with Addresses() as addresses:
        left_out = {addresses.index(link) for link in without}
        return {address for address, links in addresses.all().items() if links - left_out}


async def changes() -> AsyncIterator[None]:
    """Yield whenever addresses of this machine may have changed. Raises OSError."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, NETLINK_ROUTE) as heard:
        heard.bind((0, _ADDRESSES_V4 | _ADDRESSES_V6))
        loop = asyncio.get_running_loop()
        yield  # what changed before it was heard of
        while True:
            await _heard(loop, heard)
            yield


async def _heard(loop: asyncio.AbstractEventLoop, heard: socket.socket) -> None:
    """Wait for news; more than the socket holds (ENOBUFS) are news as well."""
    try:
        await loop.sock_recv(heard, _NEWS)
    except OSError as error:
        if error.errno != errno.ENOBUFS:
            raise


def _about(index: int, address: str) -> bytes:
    family = family_of(address)
    packed = socket.inet_pton(family.number, address)
    return (
        _ADDRESS.pack(family.number, family.bits, 0, 0, index)
        + wire.attribute(_IFA_LOCAL, packed)
        + wire.attribute(_IFA_ADDRESS, packed)
        + wire.attribute(_IFA_FLAGS, _NODAD_NO_ROUTE.to_bytes(4, sys.byteorder))
    )
