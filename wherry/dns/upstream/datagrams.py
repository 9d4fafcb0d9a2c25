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
SWEEP_SECONDS = 0.05
"""So much later than asked for we may stop waiting: a timer for each question would cost more than the question."""


class _Socket(asyncio.DatagramProtocol):
    """One connected socket. While a question is under way, `deadline` is when there is no more use in waiting."""

    def __init__(self, now: float):
        self.transport: Any = None
        self.born = now
        self.uses = 0
        self.deadline = 0.0
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
        self.fail(exc)

    def fail(self, why: Exception) -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(why)

    def send(self, query: bytes, length: int, deadline: float, waiting: asyncio.Future[bytes]) -> None:
        """Send a query whose question has `length` bytes; `waiting` is told the answer, or what failed."""
        self.uses += 1
        self.deadline = deadline
        self._id = two_bytes()
        self._question = query[HEADER : HEADER + length].lower()
        self._waiting = waiting
        self.transport.sendto(self._id + query[2:])


class Datagrams:
    """The sockets to one server. One timer, while anything is under way, ends what has no answer in time."""

    def __init__(self, address: str, port: int):
        self._to = (address, port)
        self._idle: list[_Socket] = []
        self._asking: dict[_Socket, None] = {}  # in the order of their deadlines, all waiting being as long
        self._sweeper: asyncio.TimerHandle | None = None

    async def ask(self, query: bytes, length: int, seconds: float) -> bytes:
        """Return the answer to a query (its id is replaced); raises UpstreamError."""
        loop = asyncio.get_running_loop()
        sock, now = None, loop.time()
        try:
            sock = self._take(now) or await self._open(loop)
            waiting: asyncio.Future[bytes] = loop.create_future()
            self._asking[sock] = None
            if self._sweeper is None:
                self._sweeper = loop.call_later(SWEEP_SECONDS, self._sweep, loop)
            sock.send(query, length, now + seconds, waiting)
            answer = await waiting
        except BaseException as error:
            if sock:
                self._asking.pop(sock, None)
                sock.transport.close()
            if isinstance(error, OSError):  # a TimeoutError is one
                raise UpstreamError(f"udp {self._to[0]}: {error}") from error
            raise
        del self._asking[sock]
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

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for sock in tuple(self._asking):
            if sock.deadline > now:
                break
            sock.fail(TimeoutError("no answer in time"))
        self._sweeper = loop.call_later(SWEEP_SECONDS, self._sweep, loop) if self._asking else None

    def _take(self, now: float) -> _Socket | None:
        idle = self._idle
        while len(idle) >= FEWEST:
            at = below(len(idle))
            idle[at], idle[-1] = idle[-1], idle[at]
            sock = idle.pop()
            if now - sock.born < OLDEST_SECONDS and not sock.transport.is_closing():
                return sock
            sock.transport.close()
        return None

    async def _open(self, loop: asyncio.AbstractEventLoop) -> _Socket:
        made = socket.socket(socket.AF_INET6 if ":" in self._to[0] else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            made.setblocking(False)
            made.connect(self._to)
            _, protocol = await loop.create_datagram_endpoint(lambda: _Socket(loop.time()), sock=made)
        except OSError:
            made.close()
            raise
        return protocol
