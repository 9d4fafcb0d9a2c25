"""One client's connection, and for how long it has let the server wait.

aiohttp parses and answers; here is only looked at the clock when bytes come, and at what the kernel could not send.
Whether a client reads is the kernel's to say: what TLS has encrypted waits in buffers that no event loop counts.
"""

from __future__ import annotations

import socket
import struct
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from wherry.apiserver.web.patience import Waits

LARGEST_HEAD = 1 << 20
"""Bytes of one request's line and headers: Go's default, and so what upstream takes."""
STEADY_BYTES = 1 << 16
"""Who has taken so much since has not stopped reading."""
_TCP_INFO = struct.Struct("=24xI92xQ16xI")
"""Of the kernel's struct tcp_info (include/uapi/linux/tcp.h): tcpi_unacked, tcpi_bytes_acked, tcpi_notsent_bytes."""


class Connection(RequestHandler):
    """aiohttp's connection, which tells since when it waits."""

    __slots__ = ("_head", "_heard", "_taken", "waits")

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self.waits = Waits()
        self._head = 0
        self._heard = 0.0
        self._taken = 0

    @property
    def _asked(self) -> bool:
        """Whether a whole head has come that is not answered yet."""
        return bool(self._messages) or self._request_in_progress

    def data_received(self, data: bytes) -> None:
        """Take in what the client sends."""
        super().data_received(data)
        self._heard = self._loop.time()
        if self._asked:
            self.waits.head, self._head = None, 0
        elif data:
            if self.waits.head is None:
                self.waits.head = self._heard
            self._head += len(data)
            if self._head > LARGEST_HEAD:
                self.drop()

    def look(self, now: float) -> Waits:
        """Return for what the connection waits, which is looked at every now and then."""
        request = self._current_request
        coming = request is not None and not request.content.is_eof() and not self._reading_paused
        self.waits.body = self._heard if coming else None
        if self.transport is not None:
            self._look_at_kernel(self.transport.get_extra_info("socket"), now)
        return self.waits

    def _look_at_kernel(self, sock: socket.socket, now: float) -> None:
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
        if self.transport is not None:
            self.transport.abort()


class Server(web.Server):
    """aiohttp's server, of such connections."""

    def __call__(self) -> Connection:
        """Return the protocol for a new connection."""
        return Connection(self, loop=self._loop, **self._kwargs)


def streams(request: web.BaseRequest) -> None:
    """Say that an answer is one that people stop reading for a while."""
    if isinstance(request.protocol, Connection):
        request.protocol.waits.streaming = True
