"""The addresses of a node's pods, one file per address in use, so that they outlive the agent.

The file's name is the address, its content the pod's uid. The next address follows the one given last, so that a freed
one is not taken again at once (as the CNI plugin host-local does).
"""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

from wherry.objects.family import network

LAST = "last"
UNFINISHED = "."


class NoAddressLeftError(Exception):
    """The node's pod range is used up."""


class AddressPool:
    """The addresses of `cidr`, in `folder`. The first is the gateway's, on the node's side of each link."""

    def __init__(self, folder: Path, cidr: str):
        self._folder = folder
        self._network = network(cidr)
        self.gateway = str(self._network[1])
        folder.mkdir(parents=True, exist_ok=True)

    def of(self, uid: str) -> str | None:
        """Return the pod's address, or None."""
        for file in self._folder.iterdir():
            if file.name == LAST or file.name.startswith(UNFINISHED):
                continue
            with suppress(FileNotFoundError):  # another pod's, freed meanwhile
                if file.read_text() == uid:
                    return file.name
        return None

    def allocate(self, uid: str) -> str:
        """Return the pod's address, taking a free one if it has none yet; raises NoAddressLeftError."""
        known = self.of(uid)
        if known is not None:
            return known
        first, last = int(self._network[2]), int(self._network[-2])
        count = last - first + 1
        start = self._last() + 1 - first
        # Linked when it is written: an agent killed in between must not leave an address taken by nobody.
        claim = self._folder / f"{UNFINISHED}{uid}"
        claim.write_text(uid)
        try:
            for i in range(count):
                address = str(self._network[2 + (start + i) % count])
                try:
                    (self._folder / address).hardlink_to(claim)
                except FileExistsError:
                    continue
                (self._folder / LAST).write_text(address)
                return address
        finally:
            claim.unlink()
        raise NoAddressLeftError(f"no address left in {self._network}")

    def _last(self) -> int:
        try:
            return int(ip_address((self._folder / LAST).read_text()))
        except (FileNotFoundError, ValueError):
            return int(self._network[1])

    def release(self, uid: str) -> None:
        """Free the pod's address; no error if it has none."""
        address = self.of(uid)
        if address is not None:
            (self._folder / address).unlink(missing_ok=True)
