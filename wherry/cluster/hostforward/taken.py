"""The ports of the machine that Services want and somebody else has: written for `wherry status` to read.

The report lies in the sandbox's own tmpfs, as the init's does (`wherry.cluster.reports`).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

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
    new = FILE.with_suffix(".new")
    with contextlib.suppress(OSError):
        new.write_bytes(msgspec.json.encode(sorted(taken)))
        new.replace(FILE)


def read(init: int) -> Sequence[Taken]:
    """Return the ports that cannot be had in the sandbox of `init` (the host's pid)."""
    try:
        return msgspec.json.decode(Path(f"/proc/{init}/root{os.fspath(FILE)}").read_bytes(), type=list[Taken])
    except (OSError, msgspec.DecodeError):
        return ()
