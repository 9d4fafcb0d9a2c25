"""Sockets, TLS, connections, and who is let go, for taking too long or for there being too many."""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wherry.apiserver.web import crowd
from wherry.apiserver.web.connection import Connection, Server
from wherry.apiserver.web.handler import Handler
from wherry.apiserver.web.patience import Patience, overdue
from wherry.telemetry import metrics

log = logging.getLogger(__name__)

LONGEST_LINE = 1 << 16
STOP_SECONDS = 1.0
PAUSE_SECONDS = 0.1
"""After which a connection is accepted again that could not be: for want of a descriptor, most likely."""
LOOKS = 10
"""How often connections are looked at in the shortest patience there is."""

_let_go = metrics.counter("wherry_apiserver_connections_let_go_total", "Connections of clients too slow.", ("waiting",))
_crowded_out = metrics.counter(
    "wherry_apiserver_connections_crowded_out_total", "Connections ended, or refused, for there being too many."
)


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


@dataclass(frozen=True, slots=True, eq=False)
class _Newcomer:
    """A connection that does not speak TLS yet."""

    task: asyncio.Task[None]
    idle_since: float
    among: set[_Newcomer]
    owner: None = None

    def leave(self, _: object = None) -> None:
        self.among.discard(self)

    def drop(self) -> None:
        self.leave()
        self.task.cancel()


class Listener:
    """Serves `handler` over TLS on listening `sockets`, which stay open when it stops."""

    def __init__(self, handler: Handler, sockets: Sequence[socket.socket], context: ssl.SSLContext, patience: Patience):
        self._handler = handler
        self._sockets = sockets
        self._context = context
        self._patience = patience
        self._server: Server | None = None
        self._most = min(crowd.MOST, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
        self._accepting: list[asyncio.Task[None]] = []
        self._newcomers: set[_Newcomer] = set()
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
        for listening in self._sockets:
            own = listening.dup()  # the owner keeps the original
            own.setblocking(False)
            self._accepting.append(asyncio.create_task(self._accept(own, self._server)))
        self._looking = asyncio.create_task(self._look(self._server))

    async def stop(self) -> None:
        """Close every connection."""
        if self._server is None or self._looking is None:
            return
        await _end(self._looking, *self._accepting)
        await _end(*(newcomer.task for newcomer in self._newcomers))
        await asyncio.sleep(0)  # a request that has just come is answered before its connection counts as idle
        self._server.pre_shutdown()
        await self._server.shutdown(STOP_SECONDS)

    async def _accept(self, listening: socket.socket, server: Server) -> None:
        """Take connections from a listening socket until cancelled, and close it."""
        loop = asyncio.get_running_loop()
        with listening:
            while True:
                try:
                    sock, _ = await loop.sock_accept(listening)
                except OSError as error:
                    log.warning("no connection can be accepted: %s", error)
                    await asyncio.sleep(PAUSE_SECONDS)
                    continue
                if self._has_room(server):
                    self._welcome(sock, server)
                else:
                    sock.close()
                await asyncio.sleep(0)  # `sock_accept` need not have waited: a flood of clients must starve nobody

    def _has_room(self, server: Server) -> bool:
        """Return whether one more connection may come, if need be in place of another."""
        if len(self._newcomers) + len(server.connections) < self._most:
            return True
        guests: list[crowd.Guest] = [*self._newcomers, *server.guests()]
        if len(guests) < self._most:
            return True
        _crowded_out.inc()
        leaving = crowd.leaving(guests, self._most)
        if leaving is not None:
            leaving.drop()
        return leaving is not None

    def _welcome(self, sock: socket.socket, server: Server) -> None:
        task = asyncio.create_task(self._shake_hands(sock, server))
        newcomer = _Newcomer(task, time.monotonic(), self._newcomers)
        self._newcomers.add(newcomer)
        task.add_done_callback(newcomer.leave)

    async def _shake_hands(self, sock: socket.socket, server: Server) -> None:
        patience = self._patience.handshake
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                server, sock, ssl=self._context, ssl_handshake_timeout=patience, ssl_shutdown_timeout=patience
            )
        except OSError as error:  # of TLS, too
            log.debug("a client is gone before it spoke: %s", error)

    async def _look(self, server: Server) -> None:
        """Let clients go that the server has waited for too long."""
        patience = self._patience
        pause = min(patience.head, patience.body, patience.unread) / LOOKS
        while True:
            await asyncio.sleep(pause)
            now = time.monotonic()
            for connection in server.guests():
                if why := overdue(connection.look(now), patience, now):
                    self._drop(connection, why)

    def _drop(self, connection: Connection, why: str) -> None:
        log.debug("a client is let go: peer=%s waiting=%s", connection.peername, why)
        _let_go.labels(why).inc()
        connection.drop()


async def _end(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks and wait until they are over, however they end."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
