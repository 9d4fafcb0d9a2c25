"""Questions to one server over UDP.

Each socket has one question under way at a time and is connected: so the kernel drops what others send, and its refusal
arrives at once. A question goes out of a random one of several sockets, none of which lives long, under a random id:
source ports and ids are hard to guess (RFC 5452).
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from wherry.dns.upstream.errors import UpstreamError
from wherry.dns.upstream.unguessable import below, two_bytes
from wherry.dns.wire.question import HEADER

FEWEST = 16
"""Idle sockets there are before one is used again."""
MOST_IDLE = 256
MOST_USES = 32
OLDEST_SECONDS = 10.0


class _Socket(asyncio.DatagramProtocol):
    """One connected socket."""

    def __init__(self, loop: asyncio.AbstractEventLoop):
        self._loop = loop
        self.transport: Any = None
        self.born = loop.time()
        self.uses = 0
        self._waiting: asyncio.Future[bytes] | None = None
        self._id = b""
        self._question = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        waiting = self._waiting
        if waiting is None or waiting.done() or data[:2] != self._id or len(data) < HEADER:
            return
        bare = data[4:6] == b"\0\0"  # an error without a question
        if bare or data[HEADER : HEADER + len(self._question)].lower() == self._question:
            waiting.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(exc)

    async def ask(self, query: bytes, length: int, seconds: float) -> bytes:
        """Send a query whose question has `length` bytes; raises OSError, TimeoutError."""
        self.uses += 1
        self._id = two_bytes()
        self._question = query[HEADER : HEADER + length].lower()
        waiting: asyncio.Future[bytes] = self._loop.create_future()
        self._waiting = waiting
        timer = self._loop.call_later(seconds, _late, waiting)
        try:
            self.transport.sendto(self._id + query[2:])
            return await waiting
        finally:
            timer.cancel()
            self._waiting = None


def _late(waiting: asyncio.Future[bytes]) -> None:
    if not waiting.done():
        waiting.set_exception(TimeoutError("no answer in time"))


class Datagrams:
    """The sockets to one server."""

    def __init__(self, address: str, port: int):
        self._to = (address, port)
        self._idle: list[_Socket] = []

    async def ask(self, query: bytes, length: int, seconds: float) -> bytes:
        """Return the answer to a query (its id is replaced); raises UpstreamError."""
        sock = None
        try:
            sock = self._take() or await self._open()
            answer = await sock.ask(query, length, seconds)
        except BaseException as error:
            if sock:
                sock.transport.close()
            if isinstance(error, OSError):  # a TimeoutError is one
                raise UpstreamError(f"udp {self._to[0]}: {error}") from error
            raise
        if sock.uses < MOST_USES and len(self._idle) < MOST_IDLE:
            self._idle.append(sock)
        else:
            sock.transport.close()
        return answer

    def close(self) -> None:
        """Close the sockets."""
        for sock in self._idle:
            sock.transport.close()
        self._idle = []

    def _take(self) -> _Socket | None:
        idle = self._idle
        while len(idle) >= FEWEST:
            at = below(len(idle))
            idle[at], idle[-1] = idle[-1], idle[at]
            sock = idle.pop()
            if asyncio.get_running_loop().time() - sock.born < OLDEST_SECONDS and not sock.transport.is_closing():
                return sock
            sock.transport.close()
        return None

    async def _open(self) -> _Socket:
        loop = asyncio.get_running_loop()
        made = socket.socket(socket.AF_INET6 if ":" in self._to[0] else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            made.setblocking(False)
            made.connect(self._to)
            _, protocol = await loop.create_datagram_endpoint(lambda: _Socket(loop), sock=made)
        except OSError:
            made.close()
            raise
        return protocol
