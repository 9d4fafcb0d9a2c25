"""What etcd forgets of the past: everything but the last five to ten minutes, by whichever server comes first.

Every server looks at the same moment's revision five minutes later; the one that gets to write it down compacts.
Source: apiserver pkg/storage/etcd3/compact.go.
"""

from __future__ import annotations

import asyncio
import logging

from wherry.apiserver.storage.etcd.gateway import Gateway
from wherry.apiserver.storage.etcd.messages import (
    Compaction,
    Compare,
    Done,
    Operation,
    Put,
    Range,
    Ranged,
    Txn,
)
from wherry.apiserver.storage.interface import StorageError

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 300.0


class Compactor:
    """Compacts now and then, and keeps in `key` up to where."""

    def __init__(self, gateway: Gateway, key: bytes, interval: float = INTERVAL_SECONDS):
        self._gateway = gateway
        self._key = key
        self._interval = interval
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """End `run`."""
        self._stopped.set()

    async def compacted(self) -> int:
        """Return up to which revision the past is forgotten; 0: none of it."""
        found, _ = await self._gateway.call("/v3/kv/range", Range(self._key), Ranged)
        return int(found.kvs[0].value) if found.kvs else 0

    async def run(self) -> None:
        """Compact every `interval` seconds what was there the time before."""
        written, newest = 0, 0
        while not await self._stops_within(self._interval):
            try:
                written, newest = await self.turn(written, newest)
            except StorageError as error:
                log.warning("cannot compact error=%s", error)

    async def turn(self, written: int, revision: int) -> tuple[int, int]:
        """Compact up to `revision` unless somebody else did since `written`, the key's revision as it was known.

        Return both for the next turn: the key's revision, and the newest there is.
        """
        mine = Txn(
            [Compare(self._key, "MOD", mod_revision=written)],
            [Operation(request_put=Put(self._key, str(revision).encode()))],
            [Operation(request_range=Range(self._key))],
        )
        done, _ = await self._gateway.call("/v3/kv/txn", mine, Done)
        newest = done.header.revision
        if not done.succeeded:
            found = done.responses[0].response_range
            return (found.kvs[0].mod_revision if found and found.kvs else 0), newest
        if revision:
            await self._gateway.call("/v3/kv/compaction", Compaction(revision), Done)
        return newest, newest

    async def _stops_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._stopped.wait()
        except TimeoutError:
            return False
