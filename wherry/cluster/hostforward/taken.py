"""The ports of the machine that Services want and somebody else has: written for `wherry status` to read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from wherry.cluster import board
from wherry.cluster.paths import RUN

FILE = RUN / "taken-ports.json"


class Taken(msgspec.Struct, frozen=True, order=True):
    """One port: whose it should be (`namespace/name`), and why it is not."""

    service: str
    protocol: str
    address: str
    port: int
    reason: str

    def __str__(self) -> str:
        where = f"{self.address} port {self.port}/{self.protocol}"
        return f"Service {self.service} cannot have {where} of this machine ({self.reason}); it gets it once it is free"


def write(taken: Iterable[Taken]) -> None:
    """Replace the report; one that cannot be written is no reason to fail."""
    board.write(FILE, sorted(taken))


def read(init: int) -> Sequence[Taken]:
    """Return the ports that cannot be had in the sandbox of `init` (the host's pid)."""
    return board.read(FILE, init, Taken)
