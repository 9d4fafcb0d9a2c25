"""Sockets, TLS, connections."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from wherry.apiserver.web.handler import Handler

LONGEST_LINE = 1 << 16
STOP_SECONDS = 1.0


def tls(certificate: Path, key: Path, client_ca: Path) -> ssl.SSLContext:
    """Return the context of a server that asks for a client certificate and does without; raises `ssl.SSLError`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(client_ca)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.set_alpn_protocols(["http/1.1"])
    return context


class Listener:
    """Serves `handler` over TLS on listening `sockets`, which stay open when it stops."""

    def __init__(self, handler: Handler, sockets: Sequence[socket.socket], context: ssl.SSLContext):
        self._sockets = sockets
        self._context = context
        self._server = web.Server(
            handler,
            handler_cancellation=True,
            access_log=None,
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_LINE,
        )
        self._runner = web.ServerRunner(self._server, handle_signals=False, shutdown_timeout=STOP_SECONDS)

    async def start(self) -> None:
        """Accept connections."""
        await self._runner.setup()
        for listening in self._sockets:
            # asyncio closes the socket it serves; the owner keeps the original.
            await web.SockSite(self._runner, listening.dup(), ssl_context=self._context).start()

    async def stop(self) -> None:
        """Close every connection."""
        await self._runner.cleanup()
