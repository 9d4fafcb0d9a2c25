"""Notices when a table disappears from the kernel: `nft flush ruleset`, a firewall's restart.

The kernel tells a netlink group of every change of nftables (linux/netfilter/nfnetlink.h, nf_tables.h). Plain sockets
and not a netlink library: all that is looked for is one number and one name.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import struct
from collections.abc import Callable, Collection, Iterator

NETLINK_NETFILTER = 12
SOL_NETLINK = 270
NETLINK_ADD_MEMBERSHIP = 1
NFNLGRP_NFTABLES = 7
DELETED_TABLE = 10 << 8 | 2  # NFNL_SUBSYS_NFTABLES, NFT_MSG_DELTABLE
TABLE_NAME = 1  # NFTA_TABLE_NAME
FAMILIES = {"inet": 1, "ip": 2, "arp": 3, "netdev": 5, "bridge": 7, "ip6": 10}
MESSAGE = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
GENERIC = 4  # bytes of nfgenmsg: family, version, resource id
ATTRIBUTE = struct.Struct("=HH")  # nlattr: length, type
BUFFER = 1 << 16


@contextlib.contextmanager
def watch(tables: Collection[str], deleted: Callable[[], None]) -> Iterator[None]:
    """Call `deleted` when one of `tables` ("family name") may have been deleted, in the calling thread's namespace.

    "May": the kernel drops messages when too many come at once, and then it is called too. Raises OSError.
    """
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as netlink:
        netlink.setblocking(False)
        netlink.bind((0, 0))
        netlink.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, NFNLGRP_NFTABLES)
        loop.add_reader(netlink, _read, netlink, tables, deleted)
        try:
            yield
        finally:
            loop.remove_reader(netlink)


def _read(netlink: socket.socket, tables: Collection[str], deleted: Callable[[], None]) -> None:
    try:
        data = netlink.recv(BUFFER)
    except BlockingIOError:
        return
    except OSError as error:
        if error.errno != errno.ENOBUFS:
            raise
        deleted()
        return
    if any(table in tables for table in deleted_tables(data)):
        deleted()


def deleted_tables(data: bytes) -> Iterator[str]:
    """Yield the tables ("family name") whose deletion the messages in `data` tell of."""
    position = 0
    while position + MESSAGE.size <= len(data):
        length, kind, *_ = MESSAGE.unpack_from(data, position)
        if length < MESSAGE.size:
            return
        if kind == DELETED_TABLE:
            yield from _table(data[position + MESSAGE.size : position + length])
        position += -(-length // 4) * 4


def _table(body: bytes) -> Iterator[str]:
    family = next((name for name, number in FAMILIES.items() if body[:1] == bytes([number])), "")
    position = GENERIC
    while position + ATTRIBUTE.size <= len(body):
        length, kind = ATTRIBUTE.unpack_from(body, position)
        if length < ATTRIBUTE.size:
            return
        if kind == TABLE_NAME:
            name = body[position + ATTRIBUTE.size : position + length].rstrip(b"\0")
            yield f"{family} {name.decode(errors='replace')}"
        position += -(-length // 4) * 4
