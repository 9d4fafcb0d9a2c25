"""Questions to one server over TCP or TLS (RFC 7766, RFC 7858), over connections that are used again."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass

from wherry.dns.upstream.errors import UpstreamError

IDLE_SECONDS = 10.0


@dataclass(slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    idle_since: float = 0.0

    async def ask(self, query: bytes) -> bytes:
        self.writer.write(len(query).to_bytes(2, "big") + query)
        length = int.from_bytes(await self.reader.readexactly(2), "big")
        return await self.reader.readexactly(length)

    def is_good(self, now: float, idle_seconds: float) -> bool:
        closed = self.writer.transport.is_closing() or self.reader.at_eof()
        return not closed and now - self.idle_since < idle_seconds


class Connections:
    """The connections to one server; `context` where TLS is spoken, with a server of the name `server_name`."""

    def __init__(
        self,
        address: str,
        port: int,
        context: ssl.SSLContext | None = None,
        server_name: str = "",
        idle_seconds: float = IDLE_SECONDS,
    ):
        self._address, self._port = address, port
        self._context = context
        self._server_name = server_name or address
        self._idle_seconds = idle_seconds
        self._idle: list[_Connection] = []

    async def ask(self, query: bytes, seconds: float) -> bytes:
        """Return the answer to a query; raises UpstreamError. A kept connection that fails is replaced once."""
        try:
            async with asyncio.timeout(seconds):
                kept = self._take()
                if kept:
                    with suppress(OSError, EOFError):
                        return await self._over(kept, query)
                return await self._over(await self._open(), query)
        except (OSError, EOFError) as error:
            scheme = "tls" if self._context else "tcp"
            raise UpstreamError(f"{scheme} {self._address}: {error or type(error).__name__}") from error

    def close(self) -> None:
        """Close the connections."""
        for connection in self._idle:
            connection.writer.close()
        self._idle = []

    async def _over(self, connection: _Connection, query: bytes) -> bytes:
        try:
            answer = await connection.ask(query)
        except BaseException:
            connection.writer.close()
            raise
        if answer[:2] != query[:2]:
            connection.writer.close()
            raise OSError("an answer to another question")
        connection.idle_since = asyncio.get_running_loop().time()
        self._idle.append(connection)
        return answer

    def _take(self) -> _Connection | None:
        now = asyncio.get_running_loop().time()
        while self._idle:
            connection = self._idle.pop()
            if connection.is_good(now, self._idle_seconds):
                return connection
            connection.writer.close()
        return None

    async def _open(self) -> _Connection:
        name = self._server_name if self._context else None
        streams = await asyncio.open_connection(self._address, self._port, ssl=self._context, server_hostname=name)
        return _Connection(*streams)
