"""`EtcdStorage`: the contract of a store on etcd v3.

Keys are `PREFIX/objects` and what the contract calls a key. Beside them are two of our own: `PREFIX/mark` is written
when a watch has to hear that there is nothing more to hear, and `PREFIX/compacted` says what of the past is forgotten.

etcd counts every write of anybody, so that revisions of one store have gaps. A watch hears of them by marks: etcd's own
notifications of progress come every ten minutes, or need gRPC to be asked for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from wherry.apiserver.storage import interface
from wherry.apiserver.storage.etcd import messages
from wherry.apiserver.storage.etcd.address import Address
from wherry.apiserver.storage.etcd.compaction import Compactor
from wherry.apiserver.storage.etcd.gateway import Gateway, Unreachable
from wherry.apiserver.storage.etcd.messages import (
    Done,
    Header,
    Range,
    Ranged,
    WatchCreate,
    Watched,
    WatchedKey,
    WatchLine,
    WatchRequest,
)
from wherry.apiserver.storage.interface import PAGE_LENGTH, Compacted, Entry, LogEntry, Page, StorageError, Write

log = logging.getLogger(__name__)

MARK_SECONDS = 0.05
"""How long a watch may lag behind what is known to be there before a mark is written."""
RECONNECT_SECONDS = 0.1
CLOSING_SECONDS = 2.0

T = TypeVar("T")


class Position:
    """How far one watch has come."""

    def __init__(self, revision: int):
        self.revision = revision


class EtcdStorage:
    """A `Storage` at `address`, which other processes may share; `mark` is the `MARK_SECONDS`."""

    shared = True

    def __init__(self, address: Address, gateway: Gateway | None = None, mark: float = MARK_SECONDS):
        self._gateway = gateway or Gateway(address)
        self._mark_seconds = mark
        self._objects = f"{address.prefix}/objects".encode()
        self._mark = f"{address.prefix}/mark".encode()
        self._everything = f"{address.prefix}/".encode()
        self._compactor = Compactor(self._gateway, f"{address.prefix}/compacted".encode())
        self._problem: str | None = None
        self._newest = 0
        self._positions: set[Position] = set()
        self._moved = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = False

    async def open(self) -> None:
        """Connect; raises `StorageError` when no member answers."""
        self._gateway.open()
        try:
            await self.revision()
        except StorageError:
            await self._gateway.close()
            raise
        self._start(self._compactor.run())

    async def close(self) -> None:
        """Finish submitted commits, let watches come as far as those, and end them."""
        self._closing = True
        self._compactor.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_SECONDS):
                await asyncio.gather(*self._tasks, return_exceptions=True)
                await self._all_told()
        for task in self._tasks:
            task.cancel()
        await self._gateway.close()

    @property
    def problem(self) -> str | None:
        """Why etcd does not do what it is asked, if it does not."""
        return self._problem

    async def range(self, prefix: str = "", *, after: str = "", limit: int = PAGE_LENGTH) -> Page:
        """Return the first `limit` entries whose key starts with `prefix` and is greater than `after`."""
        first = self._key(prefix) if after < prefix else self._key(after) + b"\0"
        end = messages.end_of(self._key(prefix))
        found = await self._call("/v3/kv/range", Range(first, end, limit), Ranged)
        entries = [Entry(self._name(kv.key), kv.value, kv.mod_revision) for kv in found.kvs]
        return Page(entries, self._known(found.header), found.more)

    async def revision(self) -> int:
        """Return the newest revision of this etcd, whoever made it."""
        found = await self._call("/v3/kv/range", Range(self._mark), Ranged)
        return self._known(found.header)

    def commit(self, writes: Sequence[Write]) -> Awaitable[int]:
        """Do all of `writes` or none, and return the one revision they get."""
        interface.check(writes)
        done = self._start(self._commit(writes))
        done.add_done_callback(_look)
        return done

    async def oldest(self) -> int:
        """Return the smallest `after` that `watch` still serves, as far as it was us who compacted."""
        return await self._compactor.compacted()

    async def outdated(self, key: str) -> bool:
        """Nothing would: values are kept as they are."""
        return False

    async def watch(self, after: int) -> AsyncIterator[Sequence[LogEntry]]:
        """Yield what every commit of a revision greater than `after` did; what breaks off goes on where it was."""
        position = Position(after)
        self._positions.add(position)
        self._later_mark()
        try:
            while not self._closing:
                try:
                    async for batch in self._stream(position):
                        yield batch
                except Unreachable as error:
                    if not self._closing:
                        self._failed(error)
                        await asyncio.sleep(RECONNECT_SECONDS)
        finally:
            self._positions.discard(position)
            self._moved.set()

    async def purge(self) -> None:
        """Remove every key under the prefix."""
        every = messages.DeleteRange(self._everything, messages.end_of(self._everything))
        await self._call("/v3/kv/deleterange", every, Done)

    async def _stream(self, position: Position) -> AsyncIterator[Sequence[LogEntry]]:
        end = messages.end_of(self._everything)
        wanted = WatchRequest(WatchCreate(self._everything, end, position.revision + 1))
        async for line in self._gateway.lines("/v3/watch", wanted, WatchLine):
            if line.result is None:
                raise Unreachable(f"etcd at {self._gateway}: {line.error and line.error.message}", maybe_done=False)
            self._problem = None
            self._look_at(line.result)
            if batch := [self._logged(event) for event in line.result.events]:
                position.revision = batch[-1].revision
                self._moved.set()
                yield batch

    def _look_at(self, watched: Watched) -> None:
        """Raise why a watch was ended, if it was."""
        if watched.compact_revision:
            raise Compacted(watched.compact_revision)
        if watched.canceled:
            raise Unreachable(f"etcd at {self._gateway}: {watched.cancel_reason}", maybe_done=False)

    def _logged(self, event: WatchedKey) -> LogEntry:
        kv, previous = event.kv, event.prev_kv
        if not kv.key.startswith(self._objects):
            return LogEntry(kv.mod_revision, interface.NOTHING, None, None)
        value = kv.value if event.type == "PUT" else None
        return LogEntry(kv.mod_revision, self._name(kv.key), value, previous.value if previous else None)

    async def _commit(self, writes: Sequence[Write]) -> int:
        transaction = messages.transaction([(self._key(write.key), write) for write in writes])
        try:
            done, again = await self._gateway.call("/v3/kv/txn", transaction, Done)
        except asyncio.CancelledError:
            raise StorageError("the store is closed") from None
        except StorageError as error:
            self._failed(error)
            raise
        self._problem = None
        revision = done.header.revision
        if not done.succeeded:
            found = messages.there(done)
            before = messages.happened(writes, found, revision) if again else None
            if before is None:
                raise messages.stale(writes, found)
            revision = before
        self._newest = max(self._newest, revision)
        return revision

    async def _call(self, path: str, body: Any, answer: type[T]) -> T:
        try:
            answered, _ = await self._gateway.call(path, body, answer)
        except StorageError as error:
            self._failed(error)
            raise
        self._problem = None
        return answered

    def _failed(self, error: StorageError) -> None:
        if self._problem is None:
            log.warning("etcd does not do what it is asked error=%s", error)
        self._problem = str(error)

    # Marks

    def _known(self, header: Header) -> int:
        """Take note of the revision that a reader will wait for, and return it."""
        if header.revision > self._newest:
            self._newest = header.revision
            self._later_mark()
        return header.revision

    def _later_mark(self) -> None:
        asyncio.get_running_loop().call_later(self._mark_seconds, self._mark_if_behind)

    def _mark_if_behind(self) -> None:
        if not self._closing and self._is_behind():
            self._start(self._write_mark())

    async def _write_mark(self) -> None:
        mark = messages.Txn([], [messages.Operation(request_put=messages.Put(self._mark, b""))])
        with suppress(StorageError):  # the watch that waits for it waits for etcd, then
            await self._call("/v3/kv/txn", mark, Done)

    async def _all_told(self) -> None:
        """Return once every watch has told of everything."""
        while self._is_behind():
            self._moved.clear()
            await self._moved.wait()

    def _is_behind(self) -> bool:
        return any(position.revision < self._newest for position in self._positions)

    # Keys

    def _key(self, name: str) -> bytes:
        return self._objects + name.encode()

    def _name(self, key: bytes) -> str:
        return key[len(self._objects) :].decode(errors="replace")

    def _start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _look(done: asyncio.Future[int]) -> None:
    """An abandoned commit's failure is nobody's."""
    if not done.cancelled():
        done.exception()
