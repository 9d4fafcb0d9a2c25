"""Taking a connection over from the protocol that has served it so far, as an HTTP upgrade asks for."""

from __future__ import annotations

import asyncio

BUFFER_BYTES = 1 << 18


class _Successor(asyncio.StreamReaderProtocol):
    """Gets what the connection brings from now on; whoever served it before still learns that it is lost."""

    def __init__(self, reader: asyncio.StreamReader, former: asyncio.BaseProtocol):
        super().__init__(reader)
        self._former = former

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._former.connection_lost(exc)


def take_over(transport: asyncio.Transport) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return the two ends of a connection that its protocol serves no longer; raises `ConnectionError` when it is lost.

    To be called before the answer `101 Switching Protocols` is written: a client sends nothing of the new protocol
    until it has that (RFC 6455 §4.1; apimachinery's SPDY round tripper does likewise), so that nothing can be missed.
    """
    if transport.is_closing():
        raise ConnectionResetError("the client is gone")
    reader = asyncio.StreamReader(limit=BUFFER_BYTES)
    protocol = _Successor(reader, transport.get_protocol())
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    return reader, asyncio.StreamWriter(transport, protocol, reader, asyncio.get_running_loop())
