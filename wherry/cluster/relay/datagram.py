"""UDP relays."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import cast

from wherry.cluster.relay.address import Address, Dial, Target
from wherry.telemetry import metrics

log = logging.getLogger(__name__)

DATAGRAMS = metrics.counter("wherry_relay_datagrams_total", "UDP datagrams passed on to the cluster.")
DATAGRAM_IDLE_SECONDS = 60.0


class DatagramRelay:
    """UDP: each client address gets a socket of its own towards the target, forgotten after a minute of silence."""

    def __init__(self, dial: Dial, target: Target):
        self._dial = dial
        self._target = target
        self._near: asyncio.DatagramTransport | None = None

    async def serve(self, near: socket.socket) -> None:
        """Take what comes to `near`, a bound socket, from now on."""
        near.setblocking(False)
        loop = asyncio.get_running_loop()
        self._near, _ = await loop.create_datagram_endpoint(lambda: _Near(self._dial, self._target), sock=near)

    def close(self) -> None:
        """Stop listening."""
        if self._near:
            self._near.close()


class _Near(asyncio.DatagramProtocol):
    """The listening side: hands each client's datagrams to that client's far socket."""

    def __init__(self, dial: Dial, target: Target):
        self._dial = dial
        self._target = target
        self._clients: dict[Address, asyncio.Task[_Far]] = {}
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to answer through."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget every client."""
        for task in self._clients.values():
            task.add_done_callback(lambda t: t.result().close() if not t.cancelled() and not t.exception() else None)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Pass one datagram on, opening the client's far socket first if need be."""
        task = self._clients.get(addr)
        if task is None:
            task = self._clients[addr] = asyncio.ensure_future(self._open(addr))
        task.add_done_callback(lambda t: self._send(t, data, addr))

    def _send(self, task: asyncio.Task[_Far], data: bytes, client: Address) -> None:
        if task.cancelled() or (error := task.exception()):
            self._clients.pop(client, None)
            log.info("datagram dropped: %s", "cancelled" if task.cancelled() else error)
        else:
            task.result().send(data)

    async def _open(self, client: Address) -> _Far:
        address = self._target()
        if address is None:
            raise ConnectionRefusedError("nothing is ready to answer")
        loop = asyncio.get_running_loop()
        far = self._dial()
        await loop.sock_connect(far, address)

        def answer(data: bytes) -> None:
            if self._transport:
                self._transport.sendto(data, client)

        def forget() -> None:
            self._clients.pop(client, None)

        _, protocol = await loop.create_datagram_endpoint(lambda: _Far(answer, forget), sock=far)
        return protocol


class _Far(asyncio.DatagramProtocol):
    """One client's socket towards the target."""

    def __init__(self, answer: Callable[[bytes], None], forget: Callable[[], None]):
        self._answer = answer
        self._forget = forget
        self._transport: asyncio.DatagramTransport | None = None
        self._idle: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the idle clock."""
        self._transport = cast(asyncio.DatagramTransport, transport)
        self._touch()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Carry an answer back."""
        self._touch()
        self._answer(data)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there: drop the socket, the client's next datagram opens another."""
        self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the listening side."""
        if self._idle:
            self._idle.cancel()
        self._forget()

    def send(self, data: bytes) -> None:
        """Send one datagram to the target."""
        DATAGRAMS.inc()
        self._touch()
        if self._transport:
            self._transport.sendto(data)

    def close(self) -> None:
        """Let the socket go."""
        if self._transport:
            self._transport.close()

    def _touch(self) -> None:
        if self._idle:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(DATAGRAM_IDLE_SECONDS, self.close)
