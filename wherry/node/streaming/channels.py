"""A `Session` over WebSocket channels: the first byte of a message says which stream the rest belongs to.

Sources: apimachinery `pkg/util/httpstream/wsstream`, `pkg/util/remotecommand/constants.go`; KEP-4006 for v5, which adds
the CLOSE signal (255, channel) so that a client can end stdin.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from contextlib import suppress

from aiohttp import WSMsgType, web

from wherry.node.streaming.duplex import deliver, peer_is_gone
from wherry.node.streaming.pipe import Pipe
from wherry.node.streaming.session import Output, SizeReader, Sizes, Streams, error_text
from wherry.objects import Object

log = logging.getLogger(__name__)

STDIN, STDOUT, STDERR, ERROR, RESIZE = range(5)
CLOSE = 255
CHUNK = 1 << 15
LONGEST_MESSAGE = 1 << 24

PROTOCOLS = (
    "v5.channel.k8s.io",
    "v4.channel.k8s.io",
    "v4.base64.channel.k8s.io",
    "channel.k8s.io",
    "base64.channel.k8s.io",
)
"""What we speak. Before v4 there is no Status at the end, only the text of a failure."""


class ChannelSocket:
    """A WebSocket whose messages belong to numbered channels, binary or base64."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request):
        self.protocol = socket.ws_protocol or "channel.k8s.io"
        self._socket = socket
        self._request = request
        self._base64 = "base64" in self.protocol

    @classmethod
    async def accept(cls, request: web.Request, protocols: tuple[str, ...] = PROTOCOLS) -> ChannelSocket:
        """Answer a request to upgrade."""
        socket = web.WebSocketResponse(protocols=protocols, max_msg_size=LONGEST_MESSAGE, compress=False, timeout=3.0)
        await socket.prepare(request)
        return cls(socket, request)

    async def receive(self) -> tuple[int, bytes] | None:
        """Return the next message as (channel, data); None when the client has closed or is gone."""
        while True:
            message = await self._socket.receive()
            if message.type is WSMsgType.BINARY:
                raw = bytes(message.data)
            elif message.type is WSMsgType.TEXT:
                raw = message.data.encode()
            else:
                return None
            if not raw:
                continue
            if not self._base64:
                return raw[0], raw[1:]
            try:
                return raw[0] - ord("0"), base64.b64decode(raw[1:], validate=True)
            except binascii.Error:
                log.info("client sent a message that is not base64")
                return None

    async def send(self, channel: int, data: bytes) -> None:
        """Send `data` on a channel, in pieces if it is long; raises `ConnectionError`."""
        for start in range(0, max(len(data), 1), CHUNK):
            piece = data[start : start + CHUNK]
            if self._base64:
                await self._socket.send_str(chr(ord("0") + channel) + base64.b64encode(piece).decode())
            else:
                await self._socket.send_bytes(bytes([channel]) + piece)

    def gone(self) -> bool:
        """Tell whether the client has closed, also while nobody reads."""
        return self._socket.closed or peer_is_gone(self._request)

    async def close(self) -> None:
        """Close with the normal code; waits a moment for the client's."""
        with suppress(ConnectionError):
            await self._socket.close()


class ChannelSession:
    """See `Session`. Use `open`."""

    def __init__(self, socket: ChannelSocket, streams: Streams):
        self.stdin = Pipe(ended=not streams.stdin)
        self.sizes = Sizes()
        self.gone = asyncio.Event()
        self._socket = socket
        self._structured = socket.protocol[:2] in ("v4", "v5")
        self._sizes = SizeReader(self.sizes)
        self._outputs: dict[Output, int] = {}
        if streams.stdout:
            self._outputs["stdout"] = STDOUT
        if streams.stderr:
            self._outputs["stderr"] = STDERR
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, request: web.Request, streams: Streams) -> ChannelSession:
        """Accept the upgrade; an empty message tells the client that it stands, as upstream does."""
        session = cls(await ChannelSocket.accept(request), streams)
        try:
            await session._socket.send(min(session._outputs.values(), default=ERROR), b"")
        except BaseException:
            session._reader.cancel()
            raise
        return session

    async def write(self, output: Output, data: bytes) -> None:
        """See `Session.write`."""
        if output in self._outputs and data:
            await self._socket.send(self._outputs[output], data)

    async def finish(self, status: Object) -> None:
        """See `Session.finish`."""
        self.stdin.abandon()
        self._reader.cancel()  # closing reads the client's own close message
        await asyncio.gather(self._reader, return_exceptions=True)
        with suppress(ConnectionError):
            if text := error_text(status, structured=self._structured):
                await self._socket.send(ERROR, text)
        await self._socket.close()

    async def _read(self) -> None:
        try:
            while message := await self._socket.receive():
                await self._take(*message)
        except ConnectionError as error:
            log.info("client broke off: %s", error)
        finally:
            self.stdin.end()
            self.gone.set()

    async def _take(self, channel: int, data: bytes) -> None:
        if channel == STDIN:
            await deliver(data, self.stdin, self._socket.gone)
        elif channel == RESIZE:
            self._sizes.feed(data)
        elif channel == CLOSE and self._socket.protocol.startswith("v5") and data == bytes([STDIN]):
            self.stdin.end()
