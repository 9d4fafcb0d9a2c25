"""A byte stream both ways: the TCP connection after its HTTP upgrade, or the binary messages of a WebSocket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, Protocol

from aiohttp import WSMsgType, web

from wherry.net.takeover import take_over
from wherry.node.streaming.pipe import Pipe

TCP_CLOSE_WAIT = 8  # linux net/tcp_states.h: the other side has sent its FIN
READ_LIMIT = 1 << 18
GONE_CHECK_SECONDS = 1.0
"""How often a writer that waits for a slow reader looks whether the client is still there."""


class Duplex(Protocol):
    """What SPDY needs of whatever carries it."""

    async def read(self) -> bytes:
        """Return the next bytes; b"" when the other side has closed or is gone."""
        ...

    async def write(self, data: bytes) -> None:
        """Send `data`, waiting while the other side is slow; raises `ConnectionError` when it is gone."""
        ...

    def gone(self) -> bool:
        """Tell whether the other side has closed, also while nobody reads."""
        ...

    async def close(self) -> None:
        """Close, once all that was written is on its way."""
        ...


class UpgradedConnection:
    """A connection after the answer `101 Switching Protocols`; made by a handler that answers nothing else.

    Raises `ConnectionError` when the client is gone.
    """

    def __init__(self, request: web.Request, headers: dict[str, str]):
        if request.transport is None:
            raise ConnectionResetError("the client is gone")
        self._request = request
        self._reader, self._writer = take_over(request.transport)
        head = ["HTTP/1.1 101 Switching Protocols", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        self._writer.write("\r\n".join(head).encode())

    async def read(self) -> bytes:
        """See `Duplex.read`."""
        try:
            return await self._reader.read(READ_LIMIT)
        except ConnectionError:
            return b""

    async def write(self, data: bytes) -> None:
        """See `Duplex.write`."""
        self._writer.write(data)
        await self._writer.drain()

    def gone(self) -> bool:
        """See `Duplex.gone`."""
        return peer_is_gone(self._request)

    async def close(self) -> None:
        """See `Duplex.close`."""
        self._writer.close()


class WebSocketBytes:
    """The bytes inside the binary messages of a WebSocket (KEP-4006, `SPDY/3.1+portforward.k8s.io`)."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request):
        self._socket = socket
        self._request = request

    async def read(self) -> bytes:
        """See `Duplex.read`."""
        while True:
            message = await self._socket.receive()
            if message.type is not WSMsgType.BINARY:
                return b""
            if message.data:
                return bytes(message.data)

    async def write(self, data: bytes) -> None:
        """See `Duplex.write`."""
        await self._socket.send_bytes(data)

    def gone(self) -> bool:
        """See `Duplex.gone`."""
        return self._socket.closed or peer_is_gone(self._request)

    async def close(self) -> None:
        """See `Duplex.close`."""
        await self._socket.close()


def peer_is_gone(request: web.Request) -> bool:
    """Tell whether a request's client has closed its end, which a reader that is paused would not notice."""
    transport = request.transport
    if transport is None or transport.is_closing():
        return True
    connection: Any = transport.get_extra_info("socket")
    if connection is None or connection.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    try:
        return bool(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == TCP_CLOSE_WAIT)
    except OSError:
        return True


async def deliver(data: bytes, pipe: Pipe, gone: Callable[[], bool]) -> None:
    """Put what a client sent into `pipe`, and wait for its reader to make room.

    Raises `ConnectionError` when the client leaves meanwhile: while we wait nobody reads from it, so its end has to be
    looked for.
    """
    pipe.feed(data)
    while pipe.full:
        try:
            async with asyncio.timeout(GONE_CHECK_SECONDS):
                await pipe.room()
        except TimeoutError:
            if gone():
                raise ConnectionResetError("the client is gone") from None
