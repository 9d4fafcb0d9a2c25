"""Where the sockets of Services' listeners are kept while this process is killed and started again.

The init holds pairs of sockets. Each listening socket is sent into one, and its message is left unread: so the kernel
keeps the socket open, and the connections that come wait in its backlog for the next process (unix(7), SCM_RIGHTS).
A pair is a queue, in which only the first message can be taken away. There are many, so that each is short.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import struct
import zlib
from collections.abc import Iterator

import msgspec

from wherry.cluster.hostforward.plan import Listener
from wherry.objects.metadata import Key

log = logging.getLogger(__name__)

SO_SNDBUFFORCE, SO_PEEK_OFF = 32, 42
"""From asm-generic/socket.h. With the second, MSG_PEEK goes from message to message (socket(7))."""
ONE = struct.Struct("i")
"""A descriptor, as it lies in a message."""
LONGEST = 4096
ROOM = 16 << 20
"""Bytes a pair may hold; a message takes about a thousand, and there are 2,768 node ports of each protocol."""
PAIRS = 64

Parked = tuple[Key, Listener, socket.socket]


class Parking:
    """The sockets that are kept. Made by the init, used by one process at a time."""

    def __init__(self, pairs: int = PAIRS) -> None:
        self._queues = [_Queue() for _ in range(pairs)]

    def park(self, service: Key, listener: Listener, sock: socket.socket) -> None:
        """Keep `sock`, besides the caller's own use of it; one there is no room for ends with the caller."""
        self._queue(listener).park(service, listener, sock)

    def parked(self) -> tuple[dict[Listener, Key], dict[Listener, socket.socket]]:
        """Return what is kept: whose each listener is, and sockets of the caller's own."""
        owners, sockets = {}, {}
        for queue in self._queues:
            for service, listener, sock in queue.walk():
                owners[listener], sockets[listener] = service, sock
        return owners, sockets

    def drop(self, listener: Listener) -> None:
        """Keep a listener's socket no longer."""
        self._queue(listener).drop(listener)

    def _queue(self, listener: Listener) -> _Queue:
        return self._queues[zlib.crc32(msgspec.json.encode(listener)) % len(self._queues)]


class _Queue:
    """One pair, and the sockets in it."""

    def __init__(self) -> None:
        self._entry, self._exit = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._entry.setblocking(False)
        self._exit.setblocking(False)
        with contextlib.suppress(PermissionError):  # without that right it holds a few hundred
            self._entry.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, ROOM)

    def park(self, service: Key, listener: Listener, sock: socket.socket) -> None:
        message = msgspec.json.encode((service, listener))
        try:
            socket.send_fds(self._entry, [message], [sock.fileno()])
        except OSError as error:
            log.warning("will not outlive this process: listener=%s: %s", listener, error)

    def drop(self, listener: Listener) -> None:
        """Take one out.

        The others go from the front of the queue to its end, each sent again before it is taken away: who is killed in
        the midst of it leaves one twice, and none out.
        """
        for _ in range(sum(1 for _ in self.walk())):
            service, other, sock = self._peek()
            with sock:
                if other != listener:
                    self.park(service, other, sock)
            self._exit.recv(LONGEST)

    def walk(self) -> Iterator[Parked]:
        self._exit.setsockopt(socket.SOL_SOCKET, SO_PEEK_OFF, 0)
        try:
            while True:
                yield self._peek()
        except BlockingIOError:
            pass  # that was the last one
        finally:
            self._exit.setsockopt(socket.SOL_SOCKET, SO_PEEK_OFF, -1)

    def _peek(self) -> Parked:
        """Return the next message, which stays where it is, with a socket of the caller's own."""
        # Not by socket.recv_fds, which drops the flags until Python 3.12.
        data, [(_, _, descriptor)], *_ = self._exit.recvmsg(LONGEST, socket.CMSG_LEN(ONE.size), socket.MSG_PEEK)
        service, listener = msgspec.json.decode(data, type=tuple[Key, Listener])
        return service, listener, socket.socket(fileno=ONE.unpack(descriptor)[0])
