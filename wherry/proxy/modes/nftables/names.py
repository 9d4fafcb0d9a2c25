"""What a frontend is called in a table: the keys of its elements, its maps, and the chains it needs (pure)."""

from __future__ import annotations

from typing import NamedTuple

from wherry.objects.family import Family
from wherry.proxy.plan import Frontend

PROTOCOLS = ("tcp", "udp", "sctp")
AFFINITY = "affinity"
STOCK = 16
"""Endpoints up to which a route finds its chain made already: to make one takes an nft, which a busy machine delays."""


def key(frontend: Frontend) -> str:
    """Return a frontend as the maps' key."""
    return f"{frontend.address} . {frontend.protocol.lower()} . {frontend.port}"


def slot_key(frontend: Frontend, slot: int) -> str:
    """Return the key of a frontend's slot in the map of its protocol."""
    return f"{frontend.address} . {frontend.port} . {slot}"


def slot_map(frontend: Frontend, *, local: bool = False) -> str:
    """Return the map a frontend's slots are in."""
    return f"{frontend.protocol.lower()}-{'local-' if local else ''}endpoints"


def affinity_map(frontend: Frontend) -> str:
    """Return what binds a frontend's clients to endpoints: one map for all, but for IPv6 a frontend's own pair.

    A map of all would have a key of 40 bytes and data of 20 for IPv6, and nft 1.0.6 aborts on an `update` where either
    is longer than 16: it reserves one register of that size for each.
    """
    if frontend.family is Family.V4:
        return AFFINITY
    return f"{AFFINITY}-{frontend.address.replace(':', '_')}.{frontend.protocol.lower()}.{frontend.port}"


def affinity_parts(name: str) -> tuple[str, ...]:
    """Return the maps that `affinity_map` stands for: of a pair, client -> address and client -> port."""
    return (name,) if name == AFFINITY else (name, f"{name}.ports")


class Picker(NamedTuple):
    """The chain that picks one of `number` slots of a map at random; the client's affinity is asked first, if named."""

    slots: str
    number: int
    affinity: str = ""

    @property
    def name(self) -> str:
        """The chain's name; numbered chains end in a number, and no others do."""
        return f"{_sticky(self.affinity)}{self.slots}-{self.number}"

    @property
    def in_stock(self) -> bool:
        """Whether every table has it, needed or not."""
        return not self.affinity and self.number <= STOCK

    @property
    def protocol(self) -> str:
        """The protocol of the map's frontends."""
        return self.slots.partition("-")[0]


class Remember(NamedTuple):
    """The chain that stores where a client was sent, for so many seconds."""

    affinity: str
    seconds: int

    @property
    def name(self) -> str:
        """The chain's name."""
        return f"remember{self.affinity.removeprefix(AFFINITY)}-{self.seconds}"


Chain = Picker | Remember
"""A chain that exists once per distinct number, shared by all routes that need the same."""


def _sticky(affinity: str) -> str:
    return f"sticky{affinity.removeprefix(AFFINITY)}-" if affinity else ""
