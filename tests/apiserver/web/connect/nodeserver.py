"""A node's HTTPS server as small as can be: logs, and upgrades that echo."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path


class NodeServer:
    """Answers `/containerLogs/…` with text, and any upgrade with 101 and then every byte it gets, upper case.

    `heads` are the requests it got. A path with `refuse` in it is answered 403 instead.
    """

    def __init__(self, directory: Path):
        self.heads: list[str] = []
        self.closed = asyncio.Event()
        self.port = 0
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(directory / "server.crt", directory / "server.key")
        self._context.load_verify_locations(directory / "ca.crt")
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> NodeServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            if "refuse" in head.splitlines()[0]:
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\nContent-Type: text/plain\r\n\r\nno way")
            elif "Upgrade:" in head:
                await self._echo(reader, writer)
            else:
                await self._log(writer, follow="follow=true" in head)
            await writer.drain()
        writer.close()
        self.closed.set()

    async def _echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\nhello ")
        while data := await reader.read(1 << 16):
            writer.write(data.upper())
            await writer.drain()
            if data.endswith(b"bye"):
                return

    async def _log(self, writer: asyncio.StreamWriter, *, follow: bool) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n")
        if follow:
            await writer.drain()
            writer.write(b"4\r\ntwo\n\r\n")
        writer.write(b"0\r\n\r\n")
