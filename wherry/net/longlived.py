"""HTTP connections that stay open for hours: who is gone is noticed, and lines may be of any length."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from typing import Any, Protocol

_KEEPALIVE = ((socket.TCP_KEEPIDLE, 10), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 3))
_UNACKNOWLEDGED_MS = 20_000


class Chunks(Protocol):
    """What a body arrives in: aiohttp's `StreamReader`."""

    def iter_any(self) -> AsyncIterator[bytes]:
        """Yield bytes as they arrive."""
        ...


def socket_of(info: Any) -> socket.socket:
    """Return a socket that notices within half a minute that the other side is gone, even when nobody talks."""
    family, kind, protocol, _, _ = info
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE:
        made.setsockopt(socket.IPPROTO_TCP, option, value)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MS)
    return made


async def lines(stream: Chunks) -> AsyncIterator[bytes]:
    """Yield the lines of a stream, however long (aiohttp's own readline has a limit an object may exceed)."""
    pending: list[bytes] = []
    async for chunk in stream.iter_any():
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            pending.append(line)
            if joined := b"".join(pending):
                yield joined
            pending.clear()
        if rest:
            pending.append(rest)
