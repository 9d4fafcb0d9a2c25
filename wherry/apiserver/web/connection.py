"""One client's connection, and for how long it has let the server wait.

aiohttp parses and answers; here is only looked at the clock when bytes come, and at what the kernel could not send.
Whether a client reads is the kernel's to say: what TLS has encrypted waits in buffers that no event loop counts.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Any

from aiohttp import web

from wherry.apiserver.web.patience import Waits

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

LARGEST_HEAD = 1 << 20
"""Bytes of one request's line and headers: Go's default, and so what upstream takes."""
STEADY_BYTES = 1 << 16
"""Who has taken so much since has not stopped reading."""
_TCP_INFO = struct.Struct("=24xI92xQ16xI")
"""Of the kernel's struct tcp_info (include/uapi/linux/tcp.h): tcpi_unacked, tcpi_bytes_acked, tcpi_notsent_bytes."""


class Connection(web.RequestHandler):
    """aiohttp's connection, which tells since when it waits."""

    __slots__ = ("_answered", "_dropped", "_head", "_heard", "_idle_since", "_request", "_taken", "owner", "waits")

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self.waits = Waits()
        self.owner: Hashable | None = None
        self._idle_since: float | None = time.monotonic()
        self._request: web.BaseRequest | None = None
        self._answered = False
        self._dropped = False
        self._head = 0
        self._heard = 0.0
        self._taken = 0

    def asked(self, request: web.BaseRequest) -> None:
        """Take note that a whole head has come."""
        self._request, self._answered, self._idle_since = request, False, None
        self.waits.head, self._head = None, 0

    def answered(self) -> None:
        """Take note that the request has been dealt with; more of its body may come."""
        self._answered, self._idle_since = True, time.monotonic()

    @property
    def idle_since(self) -> float | None:
        """When the last request was dealt with, or the client came; None while there is one."""
        return self._idle_since

    def data_received(self, data: bytes) -> None:
        """Take in what the client sends."""
        super().data_received(data)
        self._heard = time.monotonic()
        request = self._request
        if data and (request is None or (self._answered and request.content.is_eof())):
            self._heading(len(data))

    def _heading(self, size: int) -> None:
        if self.waits.head is None:
            self.waits.head = self._heard
        self._head += size
        if self._head > LARGEST_HEAD:
            self.drop()

    def look(self, now: float) -> Waits:
        """Return for what the connection waits, which is looked at every now and then."""
        if self.transport is not None:
            coming = self._request is not None and not self._answered and not self._request.content.is_eof()
            self.waits.body = self._heard if coming and self.transport.is_reading() else None
            self._look_at_kernel(self.transport.get_extra_info("socket"), now)
        return self.waits

    def _look_at_kernel(self, sock: socket.socket | None, now: float) -> None:
        if sock is None:  # the transport has let it go
            return
        try:
            information = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        except OSError:  # it is being closed
            return
        unacknowledged, taken, unsent = _TCP_INFO.unpack(information)
        if not unacknowledged and not unsent:
            self.waits.unread = None
        elif self.waits.unread is None or taken - self._taken >= STEADY_BYTES:
            self.waits.unread, self._taken = now, taken

    def drop(self) -> None:
        """Close the connection at once, whatever is still to be written."""
        self._dropped = True
        if self.transport is not None:
            self.transport.abort()

    @property
    def dropped(self) -> bool:
        """Whether it was ended, and is about to be gone."""
        return self._dropped


class Server(web.Server):
    """aiohttp's server, of such connections; `options` are those of aiohttp's."""

    def __init__(self, handler: Answer, **options: Any):
        async def noted(request: web.BaseRequest) -> web.StreamResponse:
            connection = request.protocol
            assert isinstance(connection, Connection)
            connection.asked(request)
            try:
                return await handler(request)
            finally:
                connection.answered()

        super().__init__(noted, handler_cancellation=True)
        self._options = options

    def guests(self) -> list[Connection]:
        """Return the connections that speak TLS and may go on."""
        return [c for c in self.connections if isinstance(c, Connection) and not c.dropped]

    def __call__(self) -> Connection:
        """Return the protocol for a new connection."""
        return Connection(self, loop=asyncio.get_running_loop(), **self._options)


def belongs(request: web.BaseRequest, owner: Hashable) -> None:
    """Say whose connection a request came on."""
    if isinstance(request.protocol, Connection):
        request.protocol.owner = owner


def streams(request: web.BaseRequest) -> None:
    """Say that an answer is one that people stop reading for a while."""
    if isinstance(request.protocol, Connection):
        request.protocol.waits.streaming = True
