"""Netlink messages and their attributes as bytes. Pure.

Source: linux/netlink.h, linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from typing import NamedTuple

NETLINK_NETFILTER = 12
SOL_NETLINK = 270

REQUEST, ACK, DUMP, CREATE = 0x1, 0x4, 0x300, 0x400
"""Flags of a message."""
INTERRUPTED = 0x10
"""Flag of a dump's answer: something changed while it was made."""
ERROR, DONE = 2, 3
BATCH_BEGIN, BATCH_END = 0x10, 0x11
NFTABLES = 10 << 8
"""What messages of nftables are numbered from."""

FAMILIES = {"inet": 1, "ip": 2, "arp": 3, "netdev": 5, "bridge": 7, "ip6": 10}
FAMILY_NAMES = {number: name for name, number in FAMILIES.items()}

NESTED = 0x8000
_KIND = 0x3FFF
_MESSAGE = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
_ATTRIBUTE = struct.Struct("=HH")  # nlattr: length, type
_GENERIC = struct.Struct("!BBH")  # nfgenmsg: family, version, resource
BIGGEST = 0xFFFF - _ATTRIBUTE.size
"""Bytes one attribute can hold."""


class Message(NamedTuple):
    """A message that was received, `content` without its header."""

    kind: int
    flags: int
    sequence: int
    port: int
    content: bytes

    @property
    def family(self) -> str:
        """The family of the table it is about, as nft names it."""
        return FAMILY_NAMES.get(self.content[0], "") if self.content else ""

    @property
    def body(self) -> bytes:
        """Its attributes."""
        return self.content[_GENERIC.size :]

    @property
    def error(self) -> int:
        """The errno that a message of kind ERROR tells, 0 for success."""
        return -int.from_bytes(self.content[:4], sys.byteorder, signed=True)


def message(kind: int, flags: int, sequence: int, family: int, body: bytes = b"", resource: int = 0) -> bytes:
    """Return a message to nfnetlink."""
    return packet(kind, flags, sequence, _GENERIC.pack(family, 0, resource) + body)


def packet(kind: int, flags: int, sequence: int, content: bytes) -> bytes:
    """Return a message to any part of the kernel."""
    return _MESSAGE.pack(_MESSAGE.size + len(content), kind, flags, sequence, 0) + content


def attribute(kind: int, data: bytes) -> bytes:
    """Return an attribute, padded."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(data), kind) + data + bytes(-len(data) % 4)


def text(kind: int, value: str) -> bytes:
    """Return an attribute that holds a name."""
    return attribute(kind, value.encode() + b"\0")


def nested(kind: int, *parts: bytes) -> bytes:
    """Return an attribute that holds attributes."""
    return attribute(kind | NESTED, b"".join(parts))


def messages(data: bytes) -> Iterator[Message]:
    """Yield the messages of a datagram; what is cut or damaged ends it."""
    position = 0
    while position + _MESSAGE.size <= len(data):
        length, kind, flags, sequence, port = _MESSAGE.unpack_from(data, position)
        if length < _MESSAGE.size:
            return
        yield Message(kind, flags, sequence, port, data[position + _MESSAGE.size : position + length])
        position += -(-length // 4) * 4


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (type, content) of each attribute; what is cut or damaged ends it."""
    position = 0
    while position + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, position)
        if length < _ATTRIBUTE.size:
            return
        yield kind & _KIND, data[position + _ATTRIBUTE.size : position + length]
        position += -(-length // 4) * 4


def name(content: bytes) -> str:
    """Return what an attribute of a name says."""
    return content.rstrip(b"\0").decode(errors="replace")
