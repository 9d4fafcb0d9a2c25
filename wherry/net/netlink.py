"""Requests to the kernel by netlink, many in one go: for addresses (rtnetlink(7)) and what has a generic family.

The kernel handles a message while it is sent, so nothing here waits.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from wherry.net.nfnetlink import wire

NETLINK_ROUTE, NETLINK_GENERIC = 0, 16
NETLINK_CAP_ACK = 10
TOGETHER = 128
"""Requests in one datagram: their answers have to find room in the socket."""
BUFFER = 1 << 17
LONGEST_SECONDS = 10


class Request(NamedTuple):
    """One message: its type, flags beside REQUEST, and what follows the header."""

    kind: int
    flags: int
    content: bytes
    ignored: tuple[int, ...] = ()
    """Errnos that are as good as success."""


class RequestError(OSError):
    """The kernel refused a request; those before it took effect, and maybe some after it."""


class Netlink:
    """A socket of one protocol, in the network namespace of the thread that makes it. Raises OSError."""

    def __init__(self, protocol: int):
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        self._socket.bind((0, 0))
        self._socket.setsockopt(wire.SOL_NETLINK, NETLINK_CAP_ACK, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", LONGEST_SECONDS, 0))
        self._sequence = 0

    def close(self) -> None:
        """Let it go."""
        self._socket.close()

    def change(self, requests: Iterable[Request]) -> None:
        """Make requests in turn; raises `RequestError` for the first that was refused."""
        for together in _parts(list(requests)):
            first = self._sequence + 1
            self._socket.send(b"".join(self._numbered(r, wire.ACK) for r in together))
            self._expect(first, together)

    def dump(self, kind: int, content: bytes, flags: int = wire.DUMP) -> Iterator[wire.Message]:
        """Yield all messages of an answer; raises `RequestError`."""
        self._socket.send(self._numbered(Request(kind, flags, content)))
        for answer in self._answers():
            if answer.kind == wire.DONE:
                return
            if answer.kind == wire.ERROR:
                raise RequestError(answer.error, os.strerror(answer.error).lower())
            yield answer
            if flags != wire.DUMP:
                return

    def _numbered(self, request: Request, flags: int = 0) -> bytes:
        self._sequence = (self._sequence + 1) & 0x7FFFFFFF
        return wire.packet(request.kind, request.flags | flags | wire.REQUEST, self._sequence, request.content)

    def _expect(self, first: int, requests: Sequence[Request]) -> None:
        problem, last = 0, first + len(requests) - 1
        for answer in self._answers():
            if answer.kind != wire.ERROR or not first <= answer.sequence <= last:
                continue
            if answer.error and answer.error not in requests[answer.sequence - first].ignored:
                problem = problem or answer.error
            if answer.sequence == last:
                break
        if problem:
            raise RequestError(problem, os.strerror(problem).lower())

    def _answers(self) -> Iterator[wire.Message]:
        while True:
            data = self._socket.recv(BUFFER)
            yield from wire.messages(data)


def _parts(requests: list[Request]) -> Iterator[list[Request]]:
    return (requests[i : i + TOGETHER] for i in range(0, len(requests), TOGETHER))
