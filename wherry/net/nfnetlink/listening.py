"""Hears what the kernel tells the groups of netfilter's netlink."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable, Iterator

from wherry.net.nfnetlink.wire import NETLINK_NETFILTER, SOL_NETLINK

NETLINK_ADD_MEMBERSHIP = 1
SO_RCVBUFFORCE = 33
ROOM = 8 << 20
"""Bytes that may wait to be heard, where we may have so many."""
BUFFER = 1 << 16


@contextlib.contextmanager
def listening(group: int, heard: Callable[[bytes], None], lost: Callable[[], None]) -> Iterator[None]:
    """Call `heard` with what the kernel tells a group, in the calling thread's namespace. Raises OSError.

    The kernel drops messages when too many come at once: then `lost` is called.
    """
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as netlink:
        netlink.setblocking(False)
        with contextlib.suppress(PermissionError):
            netlink.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
        netlink.bind((0, 0))
        netlink.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)
        loop.add_reader(netlink, _read, netlink, heard, lost)
        try:
            yield
        finally:
            loop.remove_reader(netlink)


def _read(netlink: socket.socket, heard: Callable[[bytes], None], lost: Callable[[], None]) -> None:
    try:
        data = netlink.recv(BUFFER)
    except BlockingIOError:
        return
    except OSError as error:
        if error.errno != errno.ENOBUFS:
            raise
        lost()
    else:
        heard(data)
