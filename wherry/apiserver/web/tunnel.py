"""`pods/exec`, `attach`, `portforward`: the client's upgrade is asked of the node, and then bytes go both ways, unread.

       client                     this server                        node
         │  POST … Upgrade: SPDY/3.1  │  the same head, other path     │
         ├───────────────────────────▶├───────────────────────────────▶│
         │◀───────────────────────────┤◀───────────────────────────────┤  101, with its headers
         │◀══════════════ bytes ═════▶│◀═════════════ bytes ══════════▶│

Neither SPDY nor WebSocket frames are looked at, so every protocol and version that client and node agree on works.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from http import HTTPStatus

from aiohttp import hdrs, web
from multidict import CIMultiDict

from wherry.apiserver.web.nodes import NodeUrl
from wherry.objects.errors import BadRequest, InternalError

CONNECT_SECONDS = 10.0
HANDSHAKE_SECONDS = 30.0
BUFFER_BYTES = 1 << 18
LARGEST_REFUSAL = 64 * 1024
_FORWARDED = (hdrs.CONNECTION, hdrs.UPGRADE, hdrs.ORIGIN, "X-Stream-Protocol-Version")
_FORWARDED_PREFIX = "sec-websocket-"
_GONE = (ConnectionError, ssl.SSLError, TimeoutError, asyncio.IncompleteReadError)


async def relay(request: web.BaseRequest, url: NodeUrl, context: ssl.SSLContext) -> web.StreamResponse:
    """Tunnel an upgrade to the node until one side closes; raises `BadRequest`, `InternalError`."""
    if not request.headers.get(hdrs.UPGRADE):
        raise BadRequest("Upgrade request required")
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(url.host, url.port, ssl=context, limit=BUFFER_BYTES)
    except (OSError, TimeoutError) as error:
        raise InternalError(f"error dialing backend: dial tcp {url.host}:{url.port}: {error}") from error
    try:
        return await _Tunnel(request, reader, writer).run(url)
    finally:
        writer.close()
        with suppress(*_GONE):
            await writer.wait_closed()


class _Tunnel:
    """One client's connection and one node's."""

    def __init__(self, request: web.BaseRequest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._request = request
        self._reader = reader
        self._writer = writer
        self._client: _FromClient | None = None

    async def run(self, url: NodeUrl) -> web.StreamResponse:
        self._writer.write(_head(self._request, url))
        try:
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                head = await self._reader.readuntil(b"\r\n\r\n")
        except (*_GONE, asyncio.LimitOverrunError) as error:
            raise InternalError(f"error dialing backend: the node did not answer: {error}") from error
        status, headers = _parse(head)
        if status != HTTPStatus.SWITCHING_PROTOCOLS:
            return await self._refused(status, headers)
        await self._pass_on(head)
        return _Hijacked(status=status)

    async def _refused(self, status: int, headers: CIMultiDict[str]) -> web.Response:
        """Return the node's answer as ours: it will not upgrade."""
        length = int(headers.get(hdrs.CONTENT_LENGTH, LARGEST_REFUSAL))
        body = b""
        with suppress(*_GONE):
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                while len(body) < length and (data := await self._reader.read(length - len(body))):
                    body += data
        return web.Response(status=status, body=body, headers={hdrs.CONTENT_TYPE: headers.get(hdrs.CONTENT_TYPE, "")})

    async def _pass_on(self, head: bytes) -> None:
        """Hand the node's 101 to the client, and then everything from each to the other."""
        transport = self._request.transport
        if transport is None:
            return
        # aiohttp stops reading HTTP here; the client waits for the 101, so nothing it sent can be lost before.
        client = _FromClient(transport)
        self._request.protocol.set_parser(client)  # type: ignore[arg-type]  # only feed_data and feed_eof are called
        transport.write(head)
        upwards = asyncio.create_task(self._upwards(client))
        try:
            await self._downwards(transport)
        finally:
            upwards.cancel()
            await asyncio.gather(upwards, return_exceptions=True)
            transport.close()

    async def _upwards(self, client: _FromClient) -> None:
        """Copy from the client to the node until the client closes; then close the node's side."""
        with suppress(*_GONE):
            while data := await client.read():
                self._writer.write(data)
                await self._writer.drain()
        self._writer.close()

    async def _downwards(self, transport: asyncio.Transport) -> None:
        """Copy from the node to the client until either closes."""
        with suppress(*_GONE):
            while data := await self._reader.read(BUFFER_BYTES):
                if transport.is_closing():
                    return
                transport.write(data)
                await self._request.writer.drain()


class _FromClient:
    """The bytes of an upgraded connection, as aiohttp hands them to a parser."""

    def __init__(self, transport: asyncio.Transport):
        self._transport = transport
        self._data = bytearray()
        self._ended = False
        self._paused = False
        self._woken = asyncio.Event()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Take bytes."""
        self._data += data
        if len(self._data) > BUFFER_BYTES and not self._paused:
            self._transport.pause_reading()
            self._paused = True
        self._woken.set()
        return False, b""

    def feed_eof(self) -> None:
        """Take the end."""
        self._ended = True
        self._woken.set()

    async def read(self) -> bytes:
        """Return what has come since, at least one byte; nothing at the end."""
        while not self._data and not self._ended:
            self._woken.clear()
            await self._woken.wait()
        data = bytes(self._data)
        self._data.clear()
        if self._paused and not self._transport.is_closing():
            self._transport.resume_reading()
            self._paused = False
        return data


class _Hijacked(web.StreamResponse):
    """What is returned to aiohttp for a connection that speaks no HTTP any more: nothing is to be written."""

    async def prepare(self, request: web.BaseRequest) -> None:
        """Write nothing."""
        self.force_close()
        self._eof_sent = True

    async def write_eof(self, data: bytes = b"") -> None:
        """Write nothing."""


def _head(request: web.BaseRequest, url: NodeUrl) -> bytes:
    """Return the request line and headers for the node: those of the upgrade, none of the credentials."""
    lines = [f"{request.method} {url.path} HTTP/1.1", f"Host: {url.host}:{url.port}"]
    wanted = {name.lower() for name in _FORWARDED}
    for name, value in request.headers.items():
        if name.lower() in wanted or name.lower().startswith(_FORWARDED_PREFIX):
            lines.append(f"{name}: {value}")
    if request.method == "POST":
        lines.append("Content-Length: 0")
    return "\r\n".join([*lines, "", ""]).encode()


def _parse(head: bytes) -> tuple[int, CIMultiDict[str]]:
    """Return the status and the headers of a response; raises `InternalError`."""
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(None, 2)
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit():
        raise InternalError(f"error dialing backend: the node answered {first!r}")
    pairs = (line.partition(":") for line in lines if line)
    return int(words[1]), CIMultiDict((name.strip(), value.strip()) for name, _, value in pairs)
