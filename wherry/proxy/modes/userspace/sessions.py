"""UDP: each client has a socket of its own to its endpoint, as long as one of the two speaks."""

from __future__ import annotations

import asyncio
import socket
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from wherry.objects.family import family_of
from wherry.proxy.endpoint import Endpoint

IDLE_SECONDS = 120.0
"""After so long without a datagram a session ends, as the kernel's own do (nf_conntrack_udp_timeout_stream)."""
SWEEP_SECONDS = 1.0
RECEIVED_AT_ONCE = 64
LARGEST_BYTES = 1 << 16

Peer = tuple[Any, ...]
"""A client's address and port, as its family has them."""
Offers = Callable[[str], Iterator[Endpoint]]
"""The endpoints to try for a client (his address)."""
Took = Callable[[str, Endpoint], None]


class _Door(NamedTuple):
    offers: Offers
    took: Took


@dataclass(slots=True, eq=False)
class _Session:
    """`waiting` is the last datagram while nobody has answered it; `tried`, who refused since the last answer."""

    bound: socket.socket
    peer: Peer
    used: float
    endpoint: Endpoint | None = None
    socket: socket.socket | None = None
    waiting: bytes | None = None
    tried: set[Endpoint] = field(default_factory=set)


class Sessions:
    """All that are open, of all bound sockets, the longest silent first; beyond `most` that one makes room."""

    def __init__(self, most: int, idle_seconds: float):
        self.most = most
        self.idle_seconds = idle_seconds
        self._doors: dict[socket.socket, _Door] = {}
        self._open: OrderedDict[tuple[socket.socket, Peer], _Session] = OrderedDict()
        self._sweeping: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._open)

    def serve(self, bound: socket.socket, offers: Offers, took: Took) -> None:
        """Take datagrams of a bound socket, which is then this one's."""
        bound.setblocking(False)
        self._doors[bound] = _Door(offers, took)
        self._loop.add_reader(bound.fileno(), self._receive, bound)

    def unserve(self, bound: socket.socket) -> None:
        """Take no more of one, and end its sessions."""
        if self._doors.pop(bound, None):
            self.cut(bound, ())
            self._loop.remove_reader(bound.fileno())
            bound.close()

    def cut(self, bound: socket.socket, lasting: Collection[Endpoint]) -> None:
        """End those sessions of a bound socket whose endpoint may not go on."""
        may = {endpoint[:2] for endpoint in lasting}
        for session in list(self._open.values()):
            if session.bound is bound and session.endpoint is not None and session.endpoint[:2] not in may:
                self._end(session)

    def close(self) -> None:
        """End everything."""
        for bound in list(self._doors):
            self.unserve(bound)
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    def _receive(self, bound: socket.socket) -> None:
        for _ in range(RECEIVED_AT_ONCE):
            try:
                data, peer = bound.recvfrom(LARGEST_BYTES)
            except OSError:  # nothing more; or a client did not take an answer, which is no other's business
                return
            session = self._open.get((bound, peer)) or self._begin(bound, peer)
            self._use(session)
            session.waiting = data
            self._send(session)

    def _begin(self, bound: socket.socket, peer: Peer) -> _Session:
        while len(self._open) >= self.most:
            self._end(next(iter(self._open.values())))
        session = self._open[bound, peer] = _Session(bound, peer, self._loop.time())
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(SWEEP_SECONDS, self._sweep)
        return session

    def _send(self, session: _Session) -> None:
        """Send what waits: to the session's endpoint, or to the first that does not refuse."""
        while session.waiting is not None and (session.socket is not None or self._turn(session)):
            assert session.socket is not None
            try:
                session.socket.send(session.waiting)
            except BlockingIOError:
                return  # too many for the link: lost, as datagrams may be
            except OSError:
                self._let_go(session)
            else:
                return
        if session.socket is None:
            self._end(session)

    def _answer(self, session: _Session) -> None:
        """Pass answers on; who refuses is left for the next endpoint, which gets what has no answer."""
        for _ in range(RECEIVED_AT_ONCE):
            if session.socket is None:
                return
            try:
                data = session.socket.recv(LARGEST_BYTES)
            except BlockingIOError:
                return
            except OSError:
                self._let_go(session)
                self._send(session)
                return
            session.waiting = None
            session.tried.clear()
            self._use(session)
            with suppress(OSError):  # lost
                session.bound.sendto(data, session.peer)

    def _turn(self, session: _Session) -> bool:
        """Turn to the next endpoint; return whether there is one."""
        door, client = self._doors[session.bound], session.peer[0]
        for endpoint in door.offers(client):
            if endpoint in session.tried:
                continue
            session.tried.add(endpoint)
            with suppress(OSError):
                made = socket.socket(family_of(endpoint.address).number, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
                session.socket, session.endpoint = made, endpoint
                made.connect((endpoint.address, endpoint.port))
                self._loop.add_reader(made.fileno(), self._answer, session)
                door.took(client, endpoint)
                return True
            self._let_go(session)
        return False

    def _use(self, session: _Session) -> None:
        session.used = self._loop.time()
        self._open.move_to_end((session.bound, session.peer))

    def _let_go(self, session: _Session) -> None:
        if session.socket is not None:
            self._loop.remove_reader(session.socket.fileno())
            session.socket.close()
            session.socket = None

    def _end(self, session: _Session) -> None:
        self._let_go(session)
        self._open.pop((session.bound, session.peer), None)

    def _sweep(self) -> None:
        """End what has been silent for too long."""
        since = self._loop.time() - self.idle_seconds
        while self._open and (oldest := next(iter(self._open.values()))).used <= since:
            self._end(oldest)
        self._sweeping = self._loop.call_later(SWEEP_SECONDS, self._sweep) if self._open else None
