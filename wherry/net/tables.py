"""How tables reach the kernel: by nft what is structure, and at work by netlink what changes all the time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Iterator, Mapping

from wherry.net.nfnetlink import readback
from wherry.net.nfnetlink.batch import requests
from wherry.net.nfnetlink.connection import NetlinkError, Nfnetlink
from wherry.net.nfnetlink.readback import Structure
from wherry.net.nfnetlink.values import SetType
from wherry.net.nfnetlink.watch import Watch
from wherry.net.nft import NftCommand, NftError, Transaction

log = logging.getLogger(__name__)

LARGE = 2000
"""Elements from which a transaction goes by nft: meanwhile others get on, and by netlink all wait."""


class Kernel:
    """The network namespace of the thread that calls. Everything here raises `NftError`."""

    def __init__(self) -> None:
        self.nft = NftCommand()
        self._netlink: Nfnetlink | None = None
        self._reader: Nfnetlink | None = None  # another one: a proof reads in a thread of its own

    @contextlib.contextmanager
    def at_work(self, tables: Collection[str], suspect: Callable[[], None]) -> Iterator[None]:
        """Hold sockets meanwhile, and call `suspect` when another may have changed one of `tables`."""
        with contextlib.ExitStack() as stack:
            try:
                self._netlink = stack.enter_context(contextlib.closing(Nfnetlink()))
                self._reader = stack.enter_context(contextlib.closing(Nfnetlink()))
                stack.enter_context(Watch(tables, self._is_ours, suspect).listening())
            except OSError as error:
                log.warning("no netlink: changes by others will not be noticed (%s)", error)
            try:
                yield
            finally:
                self._netlink = self._reader = None

    async def run(self, change: Transaction, types: Mapping[str, SetType]) -> None:
        """Apply a transaction, all of it or nothing."""
        size = sum(map(len, change.added.values())) + sum(map(len, change.deleted.values()))
        if self._netlink is None or not change.is_of_elements or size > LARGE:
            await self.nft.run(str(change))
            return
        with _told("cannot change elements"):
            self._netlink.commit(requests(change, types))

    @property
    def can_read(self) -> bool:
        """Whether there are sockets to read a table with."""
        return self._reader is not None

    def structure(self, table: str) -> Structure:
        """Return what a table is made of; empty when there is none, or nothing to read it with."""
        with _told("cannot read"):
            return readback.structure(self._reader, table) if self._reader else {}

    async def elements(self, table: str, of: str) -> dict[bytes, bytes]:
        """Return what a set of a table holds, as `nfnetlink.values` has it; read in a thread, since it may be much."""
        with _told(f"cannot read {of}"):
            return await asyncio.to_thread(readback.elements, self._reader, table, of) if self._reader else {}

    def _is_ours(self, port: int) -> bool:
        return port in self.nft.pids or (self._netlink is not None and port == self._netlink.port)


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except NetlinkError as error:
        raise NftError(f"{what}: {error}") from error
