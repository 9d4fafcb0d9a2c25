"""Keys and data of set elements as bytes, from the text nft has for them. Pure.

A concatenation's parts are padded to four bytes each (linux/netfilter/nf_tables.h, NFT_REG32_SIZE).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple

VERDICTS = {"jump": -3, "goto": -4}  # NFT_JUMP, NFT_GOTO
PROTOCOLS = {"tcp": 6, "udp": 17, "sctp": 132}


class SetType(NamedTuple):
    """What a set's keys are made of, and a map's data: types as nft names them.

    Beside nft's: `slot`, a number of the host's order. `interval`: the last part of a key is a network.
    """

    key: Sequence[str]
    data: Sequence[str] = ()
    interval: bool = False


def keys(of: SetType, value: str) -> tuple[bytes, bytes]:
    """Return an element's key and, of an interval, where it ends (else b"")."""
    parts = value.split(" . ")
    if not of.interval:
        return _packed(of.key, parts), b""
    network = ip_network(parts[-1])
    first, last = ([*parts[:-1], str(end)] for end in _ends(network))
    return _packed(of.key, first), _packed(of.key, last)


def data(of: SetType, value: str) -> bytes:
    """Return an element's data: of a verdict its code and its chain."""
    if of.data == ("verdict",):
        verb, chain = value.split()
        return verdict(VERDICTS[verb], chain)
    return _packed(of.data, value.split(" . "))


def verdict(code: int, chain: str) -> bytes:
    """Return a verdict as this module's data."""
    return code.to_bytes(4, "big", signed=True) + chain.encode()


def _ends(network: IPv4Network | IPv6Network) -> tuple[object, object]:
    return network.network_address, network.broadcast_address


def _packed(kinds: Sequence[str], parts: Sequence[str]) -> bytes:
    return b"".join([_PACK[kind](part) for kind, part in zip(kinds, parts, strict=True)])


_PACK: Mapping[str, Callable[[str], bytes]] = {
    "ipv4_addr": lambda part: ip_address(part).packed,
    "ipv6_addr": lambda part: ip_address(part).packed,
    "inet_proto": lambda part: bytes([PROTOCOLS[part], 0, 0, 0]),
    "inet_service": lambda part: int(part).to_bytes(2, "big") + b"\0\0",
    "slot": lambda part: int(part).to_bytes(4, sys.byteorder),
}
