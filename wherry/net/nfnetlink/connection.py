"""A netlink socket to nftables: batches in, all or nothing, and what there is out.

The kernel handles a message while it is sent: what it answers is there when `send` returns, so nothing here waits. And
a socket that stays open spares each change what a process that ends has to wait for: the kernel's readers letting go of
what was deleted.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
from collections.abc import Iterable, Iterator

from wherry.net.nfnetlink import wire
from wherry.net.nfnetlink.batch import Request
from wherry.net.nfnetlink.wire import NETLINK_NETFILTER, SOL_NETLINK

NETLINK_CAP_ACK = 10
SO_SNDBUFFORCE = 32
NFTABLES_SUBSYSTEM = 10
BUFFER = 1 << 17
LONGEST_SECONDS = 10


class NetlinkError(Exception):
    """The kernel refused, and of a batch nothing has happened. `number` is the errno.

    `at` is the place of the request that was refused in its batch, -1 for the batch as a whole.
    """

    def __init__(self, number: int, at: int = -1):
        super().__init__(os.strerror(number).lower())
        self.number = number
        self.at = at


class Interrupted(NetlinkError):
    """Something changed while it was read: read it again."""


class Nfnetlink:
    """The nftables of the network namespace of the thread that makes it. Raises OSError where there is none."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self._socket.bind((0, 0))
        self._socket.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", LONGEST_SECONDS, 0))
        self.port: int = self._socket.getsockname()[0]
        self._sequence = 0

    def close(self) -> None:
        """Let it go."""
        self._socket.close()

    def commit(self, requests: Iterable[Request]) -> None:
        """Apply requests, one at least, together; raises `NetlinkError`, and then nothing has changed."""
        *before, final = requests
        first = self._sequence + 1
        parts = [self._numbered(wire.BATCH_BEGIN, 0, 0, b"", NFTABLES_SUBSYSTEM)]
        parts += [self._numbered(kind, flags, family, body) for kind, flags, family, body in before]
        kind, flags, family, body = final
        parts.append(self._numbered(kind, flags | wire.ACK, family, body))
        parts.append(self._numbered(wire.BATCH_END, 0, 0, b"", NFTABLES_SUBSYSTEM))
        self._send(b"".join(parts))
        self._expect(first, self._sequence - 1)

    def dump(self, kind: int, family: int, body: bytes = b"") -> Iterator[wire.Message]:
        """Yield all messages of an answer; raises `NetlinkError`, `Interrupted` once something changed meanwhile."""
        self._send(self._numbered(kind, wire.DUMP, family, body))
        interrupted = False
        for answer in self._answers():
            interrupted |= bool(answer.flags & wire.INTERRUPTED)
            if answer.kind == wire.DONE:
                break
            if answer.kind == wire.ERROR:
                raise NetlinkError(answer.error)
            yield answer
        if interrupted:
            raise Interrupted(errno.EINTR)

    def _numbered(self, kind: int, flags: int, family: int, body: bytes = b"", resource: int = 0) -> bytes:
        self._sequence = (self._sequence + 1) & 0xFFFFFFFF
        return wire.message(kind, flags | wire.REQUEST, self._sequence, family, body, resource)

    def _send(self, data: bytes) -> None:
        with contextlib.suppress(PermissionError):
            self._socket.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 2 * len(data))
        try:
            self._socket.send(data)
        except OSError as error:
            raise NetlinkError(error.errno or 0) from error

    def _expect(self, first: int, last: int) -> None:
        """Read up to the answer to the last request of a batch; raise the first error."""
        for answer in self._answers():
            if answer.kind != wire.ERROR or not first <= answer.sequence <= last:
                continue
            if answer.error:
                self._forget()
                raise NetlinkError(answer.error, answer.sequence - first - 1)
            if answer.sequence == last:
                return

    def _forget(self) -> None:
        """Read the answers nobody asks for any more."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self._socket.recv(BUFFER, socket.MSG_DONTWAIT)

    def _answers(self) -> Iterator[wire.Message]:
        while True:
            try:
                data = self._socket.recv(BUFFER)
            except OSError as error:
                raise NetlinkError(error.errno or 0) from error
            yield from wire.messages(data)
