"""The listening sockets of each port, held while one Corefile takes over from another.

Servers listen on duplicates. So what waits in a socket's queue when the old server stops is read by the new one, and an
answer the old one still owes has a socket to go out of.
"""

from __future__ import annotations

import socket
from collections.abc import Collection
from typing import NamedTuple

from wherry.dns.places import Place
from wherry.net.listening import datagrams, listen

BACKLOG = 1024


class Pair(NamedTuple):
    """The two sockets of one place; where TLS is spoken there are no datagrams."""

    udp: socket.socket | None
    tcp: socket.socket

    def close(self) -> None:
        """Close both."""
        if self.udp:
            self.udp.close()
        self.tcp.close()


class Sockets:
    """The pairs of all places."""

    def __init__(self) -> None:
        self._held: dict[Place, Pair] = {}

    def of(self, place: Place) -> Pair:
        """Return the pair of a place, bound now if it was not; raises OSError when the port is taken."""
        if place not in self._held:
            self._held[place] = _bind(place)
        return self._held[place]

    def keep(self, places: Collection[Place]) -> None:
        """Close the pairs of all other places."""
        for place in self._held.keys() - set(places):
            self._held.pop(place).close()


def _bind(place: Place) -> Pair:
    udp = None
    try:
        if place.scheme == "dns":
            udp = datagrams(place.host, place.port)
            udp.setblocking(False)
        return Pair(udp, listen(place.host, place.port, BACKLOG))
    except OSError as error:
        if udp:
            udp.close()
        raise OSError(error.errno, f"cannot listen on {place}: {error.strerror}") from error
