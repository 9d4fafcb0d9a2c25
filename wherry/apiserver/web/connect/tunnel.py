"""Upgraded connections: the client's upgrade is asked of somebody else, and then bytes go both ways, unread.

       client                     this server                     node or pod
         │  POST … Upgrade: SPDY/3.1  │  the same head, other path     │
         ├───────────────────────────▶├───────────────────────────────▶│
         │◀───────────────────────────┤◀───────────────────────────────┤  101, with its headers
         │◀══════════════ bytes ═════▶│◀═════════════ bytes ══════════▶│

Neither SPDY nor WebSocket frames are looked at, so every protocol and version that the two agree on works.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from http import HTTPStatus

import h11
from aiohttp import hdrs, web

from wherry.apiserver.web.connect import headers
from wherry.apiserver.web.connect.location import Location
from wherry.net.takeover import BUFFER_BYTES, take_over
from wherry.objects.errors import BadRequest, InternalError

CONNECT_SECONDS = 10.0
HANDSHAKE_SECONDS = 30.0
LARGEST_REFUSAL = 64 * 1024
_GONE = (ConnectionError, ssl.SSLError, TimeoutError)

Answer = h11.Response | h11.InformationalResponse


async def relay(request: web.BaseRequest, location: Location, sent: headers.Pairs) -> web.StreamResponse:
    """Tunnel an upgrade until one side closes; raises `BadRequest`, `InternalError`.

    A refusal is passed on as an answer, and the client's connection goes on.
    """
    if not headers.asks_for_upgrade(request.headers):
        raise BadRequest("Upgrade request required")
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(
                location.host, location.port, ssl=location.tls, server_hostname=location.server, limit=BUFFER_BYTES
            )
    except (OSError, TimeoutError) as error:
        raise InternalError.of(f"error dialing backend: {location.failure(error)}") from error
    try:
        handshake = _Handshake(reader, writer)
        answer = await handshake.ask(request.method, location, sent)
        if answer.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            return await _refused(handshake, answer)
        return await _tunnel(request, answer, handshake.trailing, reader, writer)
    finally:
        writer.close()
        with suppress(*_GONE):
            await writer.wait_closed()


class _Handshake:
    """HTTP/1.1 with whoever is asked for the upgrade, until it is granted or refused."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._http = h11.Connection(h11.CLIENT)
        self._reader = reader
        self._writer = writer

    @property
    def trailing(self) -> bytes:
        """What came after the answer, already in the new protocol."""
        return bytes(self._http.trailing_data[0])

    async def ask(self, method: str, location: Location, sent: headers.Pairs) -> Answer:
        """Send the upgrade and return the answer's head; raises `InternalError`."""
        host = [] if any(name.lower() == "host" for name, _ in sent) else [("Host", location.authority)]
        length = [("Content-Length", "0")] if method == "POST" else []
        try:
            head = self._http.send(h11.Request(method=method, target=location.path, headers=[*host, *sent, *length]))
            self._writer.write((head or b"") + (self._http.send(h11.EndOfMessage()) or b""))
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                event = await self.event()
                while isinstance(event, h11.InformationalResponse) and event.status_code != 101:
                    event = await self.event()
            if isinstance(event, Answer):
                return event
            raise h11.RemoteProtocolError("it closed the connection")
        except (*_GONE, h11.ProtocolError) as error:
            raise InternalError.of(f"error dialing backend: the other side did not answer: {error}") from error

    async def event(self) -> h11.Event | None:
        """Return the next thing the other side says; raises `h11.ProtocolError` where it breaks off."""
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(BUFFER_BYTES))
        return event if isinstance(event, h11.Event) else None


async def _refused(handshake: _Handshake, answer: Answer) -> web.Response:
    """Return the other side's answer as ours: it will not upgrade."""
    if answer.status_code < HTTPStatus.BAD_REQUEST:
        raise InternalError.of(f"invalid upgrade response: status code {answer.status_code}")
    body = b""
    with suppress(*_GONE, h11.ProtocolError):
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            while len(body) < LARGEST_REFUSAL and isinstance(data := await handshake.event(), h11.Data):
                body += data.data
    type_ = next((value.decode("latin-1") for name, value in answer.headers if name == b"content-type"), "text/plain")
    return web.Response(status=answer.status_code, body=body, headers={hdrs.CONTENT_TYPE: type_})


async def _tunnel(
    request: web.BaseRequest,
    answer: Answer,
    trailing: bytes,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> web.StreamResponse:
    """Hand the 101 to the client, and then everything from each to the other, until one closes."""
    if request.transport is None:
        raise ConnectionResetError("the client is gone")
    from_client, to_client = take_over(request.transport)
    lines = [b"HTTP/1.1 101 Switching Protocols", *(name + b": " + value for name, value in answer.headers.raw_items())]
    to_client.write(b"\r\n".join([*lines, b"", trailing]))
    ways = [asyncio.create_task(_pour(from_client, writer)), asyncio.create_task(_pour(reader, to_client))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        to_client.close()
    return web.Response(status=HTTPStatus.SWITCHING_PROTOCOLS)  # nobody hears it: the connection is closed by now


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Copy until either side closes."""
    with suppress(*_GONE):
        while data := await source.read(BUFFER_BYTES):
            sink.write(data)
            await sink.drain()
