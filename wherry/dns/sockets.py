"""The listening sockets of each port, held while one Corefile takes over from another.

Servers listen on duplicates. So what waits in a socket's queue when the old server stops is read by the new one, and an
answer the old one still owes has a socket to go out of.
"""

from __future__ import annotations

import socket
from collections.abc import Collection
from typing import NamedTuple

from wherry.net.listening import datagrams, listen
from wherry.objects.family import bracketed

BACKLOG = 128


class Pair(NamedTuple):
    """The two sockets of one port."""

    udp: socket.socket
    tcp: socket.socket

    def close(self) -> None:
        """Close both."""
        self.udp.close()
        self.tcp.close()


class Sockets:
    """The pairs of all ports on `host` ("": every address, of IPv4 and IPv6)."""

    def __init__(self, host: str):
        self._host = host
        self._held: dict[int, Pair] = {}

    def of(self, port: int) -> Pair:
        """Return the pair of `port`, bound now if it was not; raises OSError when the port is taken."""
        if port not in self._held:
            self._held[port] = self._bind(port)
        return self._held[port]

    def keep(self, ports: Collection[int]) -> None:
        """Close the pairs of all other ports."""
        for port in self._held.keys() - set(ports):
            self._held.pop(port).close()

    def _bind(self, port: int) -> Pair:
        try:
            udp = datagrams(self._host, port)
        except OSError as error:
            raise self._refused(port, error) from error
        try:
            tcp = listen(self._host, port, BACKLOG)
        except OSError as error:
            udp.close()
            raise self._refused(port, error) from error
        udp.setblocking(False)
        return Pair(udp, tcp)

    def _refused(self, port: int, error: OSError) -> OSError:
        return OSError(error.errno, f"cannot listen on {bracketed(self._host)}:{port}: {error.strerror}")
