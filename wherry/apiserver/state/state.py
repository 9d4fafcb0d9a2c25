"""Every collection, fed by the store's watch, and the one way to write.

    write: compute(current) ──commit──▶ storage ──watch──▶ apply ──▶ readers, watchers, and the writer's answer

What is read is what is durable: a change is visible to nobody before the store has it. Writes to different objects
overlap (the store commits them together); a write to an object waits for the one before it. `compute` runs without
interruption on the newest state, pending writes included, so two writers cannot both take the last free port.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence

from wherry.apiserver.kind import Kind
from wherry.apiserver.state.change import Change, Key, LoggedChange, decode, encode
from wherry.apiserver.state.collection import Collection, Pending
from wherry.apiserver.storage.interface import LogEntry, Page, Storage, StorageError, Write
from wherry.objects import Object

log = logging.getLogger(__name__)


class State:
    """The objects of `kinds` as `storage` has them. `start` before use; `stop` ends every watch."""

    def __init__(self, storage: Storage, kinds: Iterable[Kind]):
        self.revision = 0
        self._loaded = 0
        self._storage = storage
        self._collections = {_room(kind): Collection(kind) for kind in kinds}
        self._feeding: asyncio.Task[None] | None = None
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    def collection(self, kind: Kind) -> Collection:
        """Return the collection of a kind."""
        return self._collections[_room(kind)]

    @property
    def following(self) -> bool:
        """Whether changes in the store are seen."""
        return self._feeding is not None and not self._feeding.done()

    async def start(self) -> None:
        """Load what is stored, and follow it from there. The store must be open."""
        oldest = self.revision = await self._storage.oldest()
        self._collections = {room: Collection(c.kind, oldest) for room, c in self._collections.items()}
        newest = await self._load()
        feed = self._storage.watch(oldest)
        while self.revision < newest:
            self._apply(await anext(feed))  # the log, so that a watch may continue from before the start
        self._feeding = asyncio.create_task(self._follow(feed))

    async def _load(self) -> int:
        """Put every stored object in place, page by page; return the last page's revision."""
        page = await self._storage.range()
        self._loaded = page.revision
        self._place(page)
        while page.more:
            page = await self._storage.range(after=page.entries[-1].key)
            self._place(page)
        return page.revision

    def _place(self, page: Page) -> None:
        for entry in page.entries:
            room, _ = _parse(entry.key)
            if room in self._collections:
                self._collections[room].load(decode(entry.value, entry.revision))
            else:
                log.warning("stored object of an unknown kind is left alone key=%s", entry.key)

    async def stop(self) -> None:
        """Follow no more, and end every watch."""
        if self._feeding is not None:
            self._feeding.cancel()
            await asyncio.gather(self._feeding, return_exceptions=True)
        for collection in self._collections.values():
            for watch in collection.watches:
                watch.end()

    async def reached(self, revision: int) -> None:
        """Return once changes up to `revision` are visible."""
        if self.revision < revision:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((revision, done))
            await done

    async def write(self, kind: Kind, key: Key, compute: Callable[[Object | None], Object | None]) -> Object | None:
        """Replace the object at `key` with what `compute` makes of the newest one; return it once it is durable.

        `compute` gets None when there is no object; it returns a new object, None to remove it, or the very object it
        got to leave it alone; what it raises is passed on. The answer of a removal is the object's last state. Raises
        `StorageError`.
        """
        collection = self.collection(kind)
        while (earlier := collection.pending.get(key)) is not None:
            await asyncio.wait([earlier.done])
        current = collection.get(key)
        new = compute(current)
        if new is current:
            return current
        return await asyncio.shield(self._submit(collection, key, new))

    def _submit(self, collection: Collection, key: Key, new: Object | None) -> asyncio.Future[Object]:
        path = f"/{_room(collection.kind)}/{key[0]}/{key[1]}"
        value = encode(new) if new is not None else None
        done: asyncio.Future[Object] = asyncio.get_running_loop().create_future()
        collection.pending[key] = Pending(new, value, done)
        written = self._storage.commit([Write(path, value, collection.revision_of(key))])

        def failed(future: asyncio.Future[int]) -> None:
            if (error := future.exception()) is not None and not done.done():
                del collection.pending[key]
                done.set_exception(error)
                done.exception()  # the writer may have gone away

        asyncio.ensure_future(written).add_done_callback(failed)
        return done

    async def _follow(self, feed: AsyncIterator[Sequence[LogEntry]]) -> None:
        try:
            async for batch in feed:
                self._apply(batch)
        except StorageError:
            log.exception("cannot follow the store any more")

    def _apply(self, batch: Sequence[LogEntry]) -> None:
        for entry in batch:
            room, key = _parse(entry.key)
            collection = self._collections.get(room)
            if collection is None:
                continue
            if self._seen(collection, key, entry):
                collection.window.append(LoggedChange(entry, key))
            else:
                self._publish(collection, key, entry)
        self.revision = batch[-1].revision
        self._wake()

    def _seen(self, collection: Collection, key: Key, entry: LogEntry) -> bool:
        """Return whether an entry of the log is from before the load, or from while it went on and is in it already."""
        if entry.revision <= self._loaded:
            return True
        if entry.value is None:
            return collection.get(key) is None or entry.revision < collection.revision_of(key)
        return entry.revision <= collection.revision_of(key)

    def _publish(self, collection: Collection, key: Key, entry: LogEntry) -> None:
        """Make one stored write visible; the object is the writer's own, unless somebody else wrote."""
        pending = collection.pending.get(key)
        if pending is not None and pending.value == entry.value:
            del collection.pending[key]
            new = pending.new
            if new is not None:
                new["metadata"]["resourceVersion"] = str(entry.revision)  # not shared before this line
        else:
            pending = None
            new = decode(entry.value, entry.revision) if entry.value is not None else None
        change = Change(entry.revision, key, collection.get(key), new)
        collection.apply(change)
        if pending is not None and not pending.done.done():
            pending.done.set_result(new if new is not None else change.gone)

    def _wake(self) -> None:
        still = []
        for revision, done in self._waiting:
            if revision > self.revision:
                still.append((revision, done))
            elif not done.done():
                done.set_result(None)
        self._waiting = still


def _room(kind: Kind) -> str:
    """Return `group/plural` of the storage version, the first two parts of a stored key."""
    return f"{kind.resource.group or 'core'}/{kind.plural}"


def _parse(path: str) -> tuple[str, Key]:
    """Return the room and the object's key of a stored key `/group/plural/namespace/name`."""
    _, group, plural, namespace, name = path.split("/", 4)
    return f"{group}/{plural}", (namespace, name)
