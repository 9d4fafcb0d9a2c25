"""Sockets, TLS, connections, and who is let go."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from wherry.apiserver.web.connection import Connection, Server
from wherry.apiserver.web.handler import Handler
from wherry.apiserver.web.patience import Patience, overdue
from wherry.telemetry import metrics

log = logging.getLogger(__name__)

LONGEST_LINE = 1 << 16
STOP_SECONDS = 1.0
BACKLOG = 1024
LOOKS = 10
"""How often connections are looked at in the shortest patience there is."""

_let_go = metrics.counter("wherry_apiserver_connections_let_go_total", "Connections of clients too slow.", ("waiting",))


def tls(certificate: Path, key: Path, client_ca: Path) -> ssl.SSLContext:
    """Return the context of a server that asks for a client certificate and does without; raises `ssl.SSLError`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(client_ca)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.set_alpn_protocols(["http/1.1"])
    return context


class Listener:
    """Serves `handler` over TLS on listening `sockets`, which stay open when it stops."""

    def __init__(self, handler: Handler, sockets: Sequence[socket.socket], context: ssl.SSLContext, patience: Patience):
        self._handler = handler
        self._sockets = sockets
        self._context = context
        self._patience = patience
        self._server: Server | None = None
        self._accepting: list[asyncio.Server] = []
        self._looking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Accept connections."""
        self._server = Server(
            self._handler,
            access_log=None,
            auto_decompress=False,  # a body is read as it comes, or refused
            keepalive_timeout=self._patience.idle,
            lingering_time=STOP_SECONDS,
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_LINE,
        )
        loop = asyncio.get_running_loop()
        for listening in self._sockets:
            self._accepting.append(
                await loop.create_server(
                    self._server,
                    sock=listening.dup(),  # asyncio closes the socket it serves; the owner keeps the original
                    ssl=self._context,
                    backlog=BACKLOG,
                    ssl_handshake_timeout=self._patience.handshake,
                    ssl_shutdown_timeout=self._patience.handshake,
                )
            )
        self._looking = asyncio.create_task(self._look(self._server))

    async def stop(self) -> None:
        """Close every connection."""
        if self._server is None or self._looking is None:
            return
        self._looking.cancel()
        with suppress(asyncio.CancelledError):
            await self._looking
        for accepting in self._accepting:
            accepting.close()
        await asyncio.sleep(0)  # a request that has just come is answered before its connection counts as idle
        self._server.pre_shutdown()
        await self._server.shutdown(STOP_SECONDS)

    async def _look(self, server: Server) -> None:
        """Let clients go that the server has waited for too long."""
        patience = self._patience
        pause = min(patience.head, patience.body, patience.unread) / LOOKS
        while True:
            await asyncio.sleep(pause)
            now = time.monotonic()
            for connection in server.connections:
                assert isinstance(connection, Connection)
                if why := overdue(connection.look(now), patience, now):
                    self._drop(connection, why)

    def _drop(self, connection: Connection, why: str) -> None:
        log.debug("a client is let go: peer=%s waiting=%s", connection.peername, why)
        _let_go.labels(why).inc()
        connection.drop()
