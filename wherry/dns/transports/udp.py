"""DNS over UDP."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from functools import partial
from typing import Any

from wherry.dns.server import Server

log = logging.getLogger(__name__)

BUFFER = 1 << 22  # bytes the kernel may hold for us while we are busy; it grants what net.core.rmem_max lets it


class Datagrams(asyncio.DatagramProtocol):
    """The datagrams of one socket. `late` sends answers that are ready only after the server stopped listening."""

    def __init__(self, server: Server, late: socket.socket):
        self._server = server
        self._late = late
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the way out."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """Answer at once, or begin to."""
        known = self._server.known(data, datagram=True)
        if known is not None:
            self._transport.sendto(known, addr)
            return
        known = self._server.gated(data, addr[0], datagram=True)
        if known is not None:
            if known:
                self._transport.sendto(known, addr)
            return
        self._server.begin(data, addr, "udp", partial(self._send, addr))

    def _send(self, addr: tuple[Any, ...], answer: bytes | None) -> None:
        if answer is None:
            return
        if not self._transport.is_closing():
            self._transport.sendto(answer, addr)
            return
        with contextlib.suppress(OSError):
            self._late.sendto(answer, addr)

    def error_received(self, exc: Exception) -> None:
        """A client did not wait for its answer."""
        log.debug("a client is gone: %s", exc)


async def listen(server: Server, sock: socket.socket) -> asyncio.DatagramTransport:
    """Serve on a duplicate of `sock`, until the transport returned is closed."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: Datagrams(server, sock), sock=sock.dup())
    return transport
