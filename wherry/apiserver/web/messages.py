"""Logs and watches as the messages of a WebSocket, for clients that can read no other stream: browsers above all.

Source: kubernetes apimachinery pkg/util/httpstream/wsstream/stream.go (Reader), apiserver
pkg/endpoints/handlers/watch.go (HandleWS).
"""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from aiohttp import hdrs, web

BINARY, BASE64 = "binary.k8s.io", "base64.binary.k8s.io"
CLOSE_SECONDS = 3.0
"""How long a client that is told of the end has to say the same."""


def wanted(request: web.BaseRequest) -> bool:
    """Tell whether a request asks for a WebSocket."""
    asked = request.headers.get(hdrs.UPGRADE, "").lower() == "websocket"
    return asked and "upgrade" in request.headers.get(hdrs.CONNECTION, "").lower()


class _Messages(web.WebSocketResponse):
    """A WebSocket that is written to like any other answer. What the client sends means nothing, but that it closes."""

    def __init__(self, *protocols: str):
        super().__init__(protocols=protocols, compress=False, timeout=CLOSE_SECONDS)
        self._listening: asyncio.Task[None] | None = None

    async def prepare(self, request: web.BaseRequest) -> Any:
        """Accept the WebSocket; once the client closes it, the connection ends and whoever writes is cancelled."""
        writer = await super().prepare(request)
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen())
        return writer

    async def _listen(self) -> None:
        async for _ in self:
            pass


class LogMessages(_Messages):
    """A log, in messages as it comes: binary, or text where the client asked for base64. An empty one begins it."""

    def __init__(self) -> None:
        super().__init__(BINARY, BASE64)

    async def prepare(self, request: web.BaseRequest) -> Any:
        """Accept the WebSocket, and say so in an empty message."""
        writer = await super().prepare(request)
        await self.write(b"")
        return writer

    async def write(self, data: bytes | bytearray | memoryview[int] | memoryview[bytes]) -> None:
        """Send a message."""
        if self.ws_protocol == BASE64:
            await self.send_str(base64.b64encode(data).decode())
        else:
            await self.send_bytes(bytes(data))


class WatchMessages(_Messages):
    """A watch, an event in each message."""

    async def write(self, data: bytes | bytearray | memoryview[int] | memoryview[bytes]) -> None:
        """Send each line as a message of text."""
        for line in bytes(data).splitlines():
            await self.send_str(line.decode())
