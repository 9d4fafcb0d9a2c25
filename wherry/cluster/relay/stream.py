"""TCP relays."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass

from wherry.cluster.relay.address import Dial, Target
from wherry.net.listening import BACKLOG
from wherry.telemetry import metrics

log = logging.getLogger(__name__)

CONNECTIONS = metrics.counter("wherry_relay_connections_total", "TCP connections relayed.", ["outcome"])
BYTES = metrics.counter("wherry_relay_bytes_total", "Bytes relayed over TCP, both ways.")

CONNECT_SECONDS = 10.0
RETRY_SECONDS = 0.05
APOLOGY_SECONDS = 2.0
"""How long a client may take to read an apology, and to close."""
CHUNK = 64 * 1024


class StreamRelay:
    """TCP: each accepted connection gets one to the target; bytes and half-closes pass both ways.

    A client waits `patience()` seconds for a target that takes its connection. One that gets none, or one that ends
    without a byte of an answer, is told `apology`; without one the connection is reset.
    """

    def __init__(self, dial: Dial, target: Target, patience: Callable[[], float] = lambda: 0.0, apology: bytes = b""):
        self._dial = dial
        self._target = target
        self._patience = patience
        self._apology = apology
        self._server: asyncio.Server | None = None

    async def serve(self, listener: socket.socket) -> None:
        """Accept on `listener` from now on."""
        listener.setblocking(False)
        self._server = await asyncio.start_server(self._accepted, sock=listener, backlog=BACKLOG)

    def close(self) -> None:
        """Accept no more; connections that are open go on."""
        if self._server:
            self._server.close()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await self._connect()
        except (OSError, TimeoutError) as error:
            CONNECTIONS.labels("failed").inc()
            log.info("no connection: %s", error or "timed out")
            await self._turn_away(reader, writer)
            return
        CONNECTIONS.labels("connected").inc()
        asked, answered = Count(), Count()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, far_writer, asked))
                group.create_task(_pump(far_reader, writer, answered, unless=asked))
        except* OSError:
            pass  # one side is gone; so, now, is the other
        finally:
            broken = far_writer.transport.is_closing()
            far_writer.close()
            if asked.bytes and not answered.bytes:
                await self._turn_away(reader, writer)
            else:
                writer.transport.abort() if broken else writer.close()

    async def _turn_away(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._apology:
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(APOLOGY_SECONDS):
                    await _apologise(reader, writer, self._apology)
        writer.transport.abort()  # a reset, as near as a relay gets to "connection refused"

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        deadline = asyncio.get_running_loop().time() + self._patience()
        while True:
            try:
                return await self._connect_once()
            except (OSError, TimeoutError):
                if asyncio.get_running_loop().time() >= deadline:
                    raise
            await asyncio.sleep(RETRY_SECONDS)

    async def _connect_once(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        address = self._target()
        if address is None:
            raise ConnectionRefusedError("nothing is ready to answer")
        far = self._dial()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await asyncio.get_running_loop().sock_connect(far, address)
            return await asyncio.open_connection(sock=far)
        except (OSError, TimeoutError):
            far.close()
            raise


@dataclass(slots=True)
class Count:
    """How many bytes went one way."""

    bytes: int = 0


async def _apologise(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, apology: bytes) -> None:
    """Say it, and read on to the client's end: closed with bytes unread, a socket takes back what it has said."""
    writer.write(apology)
    await writer.drain()
    writer.write_eof()
    while await reader.read(CHUNK):
        pass


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: Count, unless: Count | None = None
) -> None:
    """Carry bytes on, and their end; raises `ConnectionResetError` for an end before any, though `unless` had some."""
    while data := await reader.read(CHUNK):
        BYTES.inc(len(data))
        count.bytes += len(data)
        writer.write(data)
        await writer.drain()
    if unless and unless.bytes and not count.bytes:
        raise ConnectionResetError("it ended without an answer")
    if not writer.is_closing():  # uvloop raises for an end said on what is closed
        writer.write_eof()
