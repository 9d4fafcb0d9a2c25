"""TCP: connections are accepted, connected to an endpoint, and relayed until both sides have ended."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

from wherry.proxy.endpoint import Endpoint
from wherry.proxy.modes.userspace.dial import Dial
from wherry.proxy.modes.userspace.flow import Flow, close_pipes

log = logging.getLogger(__name__)

ACCEPTED_AT_ONCE = 64
"""Before others have their turn."""
FULL_SECONDS = 0.05
"""How long until it is looked whether there is room again."""
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: what is not sent is thrown away, and the peer is told


class Offer(NamedTuple):
    """What becomes of a client's connection: the endpoints to try, and who is told which took it."""

    endpoints: Iterator[Endpoint]
    took: Callable[[Endpoint], None]


Asked = Callable[[socket.socket, str], Offer | None]
"""What is offered to an accepted connection of a client (his address); None: it is reset."""


class Connections:
    """All that are open, of all listening sockets, at most so many; who comes then waits in the kernel's queue."""

    def __init__(self, most: int):
        self.most = most
        self._open: set[_Connection] = set()
        self._listeners: dict[socket.socket, Asked] = {}
        self._fewer = asyncio.Event()
        self._full: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._open)

    def listen(self, listening: socket.socket, asked: Asked) -> None:
        """Take connections of a listening socket, which is then this one's."""
        listening.setblocking(False)
        self._listeners[listening] = asked
        if self._full is None:
            self._loop.add_reader(listening.fileno(), self._accept, listening)

    def unlisten(self, listening: socket.socket) -> None:
        """Take what waits at one, and no more; those there are go on."""
        if listening in self._listeners:
            self._accept(listening)
            del self._listeners[listening]
            self._loop.remove_reader(listening.fileno())
            listening.close()

    async def drained(self, seconds: float) -> None:
        """Wait until none is open, at most so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._open:
                    self._fewer.clear()
                    await self._fewer.wait()

    def close(self) -> None:
        """End everything; what was sent and is on its way is passed on by the kernel."""
        for listening in list(self._listeners):
            self.unlisten(listening)
        for connection in list(self._open):
            connection.close()
        if self._full is not None:
            self._full.cancel()
            self._full = None
        close_pipes()

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            if len(self._open) >= self.most:
                self._pause(f"{self.most} TCP connections are open, as many as files allow (ulimit -n)")
                return
            try:
                client, peer = listening.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    raise
                self._pause(f"no connection can be accepted: {error.strerror}")
                return
            client.setblocking(False)
            offer = self._listeners[listening](client, peer[0])
            if offer is None:
                reset(client)
            else:
                connection = _Connection(self._loop, client, offer, self._gone)
                self._open.add(connection)
                connection.start()

    def _gone(self, connection: _Connection) -> None:
        self._open.discard(connection)
        self._fewer.set()

    def _pause(self, why: str) -> None:
        if self._full is None:
            log.warning("%s: new ones wait", why)
            for listening in self._listeners:
                self._loop.remove_reader(listening.fileno())
            self._full = self._loop.call_later(FULL_SECONDS, self._resume)

    def _resume(self) -> None:
        if len(self._open) >= self.most:
            self._full = self._loop.call_later(FULL_SECONDS, self._resume)
            return
        self._full = None
        for listening in self._listeners:
            self._loop.add_reader(listening.fileno(), self._accept, listening)


class _Connection:
    """A client's connection and the one to the endpoint."""

    __slots__ = ("_client", "_dial", "_endpoint", "_flows", "_gone", "_loop", "_offer", "_running")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        client: socket.socket,
        offer: Offer,
        gone: Callable[[_Connection], None],
    ):
        self._loop = loop
        self._client = client
        self._endpoint: socket.socket | None = None
        self._offer = offer
        self._gone = gone
        self._dial: Dial | None = Dial(loop, offer.endpoints, self._connected)
        self._flows: list[Flow] = []
        self._running = 2

    def start(self) -> None:
        """Look for an endpoint."""
        assert self._dial is not None
        try:
            self._dial.start()
        except OSError as error:  # no more files, or no more ports
            log.warning("no connection to an endpoint can be made: %s", error)
            self._end(abruptly=True)

    def close(self) -> None:
        """End both."""
        self._end(abruptly=False)

    def _connected(self, made: socket.socket | None, endpoint: Endpoint | None) -> None:
        self._dial = None
        if made is None or endpoint is None:
            self._end(abruptly=True)
            return
        self._offer.took(endpoint)
        self._endpoint = made
        for one in (self._client, made):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        ends = (self._client, made), (made, self._client)
        self._flows = [Flow(self._loop, source, sink, self._ended) for source, sink in ends]
        for flow in self._flows:
            flow.start()

    def _ended(self, error: OSError | None) -> None:
        """One direction has ended; a broken one breaks the other."""
        self._running -= 1
        if error is not None or not self._running:
            self._end(abruptly=error is not None)

    def _end(self, *, abruptly: bool) -> None:
        if self._dial is not None:
            self._dial.cancel()
            self._dial = None
        for flow in self._flows:
            flow.stop()
        for one in (self._client, self._endpoint):
            if one is not None:
                (reset if abruptly else socket.socket.close)(one)
        self._gone(self)


def reset(connection: socket.socket) -> None:
    """End a connection so that the peer learns that it failed."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    connection.close()
