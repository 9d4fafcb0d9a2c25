"""IPVS, the kernel's own load balancer: virtual servers and their destinations, by generic netlink.

Source: linux/ip_vs.h, net/netfilter/ipvs/ip_vs_ctl.c.
"""

from __future__ import annotations

import errno
import socket
import struct
import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from wherry.net.netlink import NETLINK_GENERIC, Netlink, Request
from wherry.net.nfnetlink import wire
from wherry.objects.family import Family, family_of

PROTOCOLS = {"TCP": socket.IPPROTO_TCP, "UDP": socket.IPPROTO_UDP, "SCTP": 132}
_NAMES = {number: name for name, number in PROTOCOLS.items()}
PERSISTENT = 0x1
MASQUERADING = 0  # IP_VS_CONN_F_MASQ: addresses are rewritten, as NAT does

_CONTROL, _GET_FAMILY = 0x10, 3
_FAMILY_ID, _FAMILY_NAME = 1, 2
_SERVICE, _DESTINATION = 1, 2
_NEW_SERVICE, _SET_SERVICE, _DELETE_SERVICE, _GET_SERVICE = 1, 2, 3, 4
_NEW_DEST, _SET_DEST, _DELETE_DEST, _GET_DEST = 5, 6, 7, 8
_VERSION = 1
_HEADER = struct.Struct("=BBH")  # genlmsghdr: command, version, reserved

Address = tuple[str, int]


class Server(NamedTuple):
    """What a packet is addressed to. `protocol` is TCP, UDP or SCTP."""

    address: str
    protocol: str
    port: int

    @property
    def family(self) -> Family:
        """The address's family."""
        return family_of(self.address)


class Manner(NamedTuple):
    """How a virtual server chooses; `persistent`: the seconds a client stays with its destination, 0 for not."""

    scheduler: str = "rr"
    persistent: int = 0


class Destination(NamedTuple):
    """What the kernel says of a destination; `connections`: those that go on, and those that just ended."""

    weight: int
    connections: int


class Ipvs:
    """The IPVS of the network namespace of the thread that makes it. Raises OSError, ENOENT where there is none."""

    def __init__(self) -> None:
        self._netlink = Netlink(NETLINK_GENERIC)
        try:
            self._family = self._resolve()
        except OSError:
            self._netlink.close()
            raise

    def close(self) -> None:
        """Let it go."""
        self._netlink.close()

    def change(self, commands: Iterable[tuple[int, bytes]]) -> None:
        """Make changes (`serve`, `place` …) in turn; raises OSError for the first that is refused."""
        gone = (errno.ENOENT, errno.ESRCH)
        self._netlink.change(
            Request(
                self._family, 0, _content(command, body), gone if command in (_DELETE_SERVICE, _DELETE_DEST) else ()
            )
            for command, body in commands
        )

    def servers(self) -> dict[Server, Manner]:
        """Return the virtual servers there are, but those of firewall marks."""
        found = {}
        for answer in self._netlink.dump(self._family, _content(_GET_SERVICE)):
            held = _held(answer, _SERVICE)
            if 3 in held and 4 in held:
                found[_server(held)] = _manner(held)
        return found

    def destinations(self, server: Server) -> dict[Address, Destination]:
        """Return a virtual server's destinations."""
        found = {}
        for answer in self._netlink.dump(self._family, _content(_GET_DEST, _named(server))):
            held = _held(answer, _DESTINATION)
            family = Family.V6 if _number(held.get(11, b"\2\0")) == Family.V6.number else Family.V4
            at = _text(held[1], family), int.from_bytes(held[2], "big")
            found[at] = Destination(_number(held[4]), _number(held[7]) + _number(held[8]))
        return found

    def _resolve(self) -> int:
        content = _HEADER.pack(_GET_FAMILY, _VERSION, 0) + wire.text(_FAMILY_NAME, "IPVS")
        for answer in self._netlink.dump(_CONTROL, content, flags=0):
            return _number(dict(wire.attributes(answer.body))[_FAMILY_ID])
        raise OSError(errno.ENOENT, "no IPVS")


def serve(server: Server, manner: Manner, *, again: bool = False) -> tuple[int, bytes]:
    """Return the command that makes a virtual server, or (`again`) changes how it chooses."""
    flags = PERSISTENT if manner.persistent else 0
    bits = server.family.bits
    mask = struct.pack("!I", 0xFFFFFFFF) if server.family is Family.V4 else struct.pack("=I", bits)
    more = (
        wire.text(6, manner.scheduler),
        wire.attribute(7, struct.pack("=II", flags, 0xFFFFFFFF)),
        wire.attribute(8, struct.pack("=I", manner.persistent)),
        wire.attribute(9, mask),
    )
    return (_SET_SERVICE if again else _NEW_SERVICE), _named(server, *more)


def withdraw(server: Server) -> tuple[int, bytes]:
    """Return the command that deletes a virtual server, its destinations with it."""
    return _DELETE_SERVICE, _named(server)


def place(server: Server, at: Address, weight: int, *, again: bool = False) -> tuple[int, bytes]:
    """Return the command that adds a destination, or (`again`) changes its weight: one of 0 gets no new connection."""
    numbers = {3: MASQUERADING, 4: weight, 5: 0, 6: 0}
    more = [wire.attribute(kind, struct.pack("=I", number)) for kind, number in numbers.items()]
    return (_SET_DEST if again else _NEW_DEST), _named(server) + _placed(at, *more)


def remove(server: Server, at: Address) -> tuple[int, bytes]:
    """Return the command that deletes a destination: its connections end with their next packet."""
    return _DELETE_DEST, _named(server) + _placed(at)


def _named(server: Server, *more: bytes) -> bytes:
    return wire.nested(
        _SERVICE,
        wire.attribute(1, struct.pack("=H", server.family.number)),
        wire.attribute(2, struct.pack("=H", PROTOCOLS[server.protocol])),
        wire.attribute(3, _packed(server.address)),
        wire.attribute(4, struct.pack("!H", server.port)),
        *more,
    )


def _placed(at: Address, *more: bytes) -> bytes:
    return wire.nested(
        _DESTINATION,
        wire.attribute(1, _packed(at[0])),
        wire.attribute(2, struct.pack("!H", at[1])),
        wire.attribute(11, struct.pack("=H", family_of(at[0]).number)),
        *more,
    )


def _content(command: int, body: bytes = b"") -> bytes:
    return _HEADER.pack(command, _VERSION, 0) + body


def _held(answer: wire.Message, kind: int) -> dict[int, bytes]:
    return dict(wire.attributes(dict(wire.attributes(answer.body)).get(kind, b"")))


def _server(held: dict[int, bytes]) -> Server:
    family = Family.V6 if _number(held[1]) == Family.V6.number else Family.V4
    protocol = _NAMES.get(_number(held[2]), "")
    return Server(_text(held[3], family), protocol, int.from_bytes(held[4], "big"))


def _manner(held: dict[int, bytes]) -> Manner:
    flags = _number(held[7][:4])
    return Manner(wire.name(held[6]), _number(held[8]) if flags & PERSISTENT else 0)


def _packed(address: str) -> bytes:
    """Return a nf_inet_addr."""
    return socket.inet_pton(family_of(address).number, address).ljust(16, b"\0")


def _text(content: bytes, family: Family) -> str:
    return socket.inet_ntop(family.number, content[: family.bits // 8])


def _number(content: bytes) -> int:
    return int.from_bytes(content, sys.byteorder)


def read(ipvs: Ipvs) -> Iterator[tuple[Server, Manner, dict[Address, Destination]]]:
    """Yield everything there is."""
    for server, manner in ipvs.servers().items():
        yield server, manner, ipvs.destinations(server)
