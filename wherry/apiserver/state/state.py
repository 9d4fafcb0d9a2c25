"""Every collection, fed by the store's watch, and the one way to write.

    newest ─▶ (the writer's own thinking) ─▶ commit ─▶ storage ─watch─▶ apply ─▶ readers, watchers, the writer's answer

What is read is what is durable: a change is visible to nobody before the store has it. Commits of different objects
overlap (the store syncs them together); of one object there is one under way at most. A commit that was overtaken, in
this process or by another server on the same store, is `Stale`, and by then what overtook it can be read.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from functools import partial
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from wherry.apiserver.catalog import unknown_path
from wherry.apiserver.kind import Kind
from wherry.apiserver.state import rooms
from wherry.apiserver.state.aside import Aside
from wherry.apiserver.state.change import Change, Key, LoggedChange, encode, gone, read
from wherry.apiserver.state.collection import Collection
from wherry.apiserver.state.commit import Commit, Edit, Pending
from wherry.apiserver.state.freshness import Freshness
from wherry.apiserver.state.loading import load, seen
from wherry.apiserver.state.window import Windows
from wherry.apiserver.storage.interface import Compacted, Entry, LogEntry, Stale, Storage, StorageError, Write
from wherry.objects import Object
from wherry.objects.resource import Resource
from wherry.telemetry import metrics

log = logging.getLogger(__name__)

_objects = metrics.gauge("apiserver_storage_objects", "Stored objects.", ("resource",))

PATIENCE_SECONDS = 3.0
"""How long something that was written meanwhile is waited for."""


class State:
    """The objects of `kinds`, and their claims, as `storage` has them. `start` before use; `stop` ends every watch.

    Stored objects that cannot be read are set `aside`.
    """

    def __init__(self, storage: Storage, kinds: Iterable[Kind], aside: Aside | None = None):
        self.revision = 0
        self._storage = storage
        self._aside = aside or Aside(None)
        self._windows = Windows()
        self._kinds = list(kinds)
        stored = (one for kind in self._kinds for one in (kind, *kind.claim_kinds))
        self._collections = {rooms.room(kind.resource): Collection(kind) for kind in stored}
        self._held: dict[str, list[LogEntry]] = {}
        self._feeding: asyncio.Task[None] | None = None
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._freshness = Freshness(storage.revision, self._caught_up)

    def collection(self, kind: Kind) -> Collection:
        """Return the collection of a kind; raises `NotFound` when the kind is not served any more."""
        collection = self.find(kind.resource)
        if collection is None:
            raise unknown_path()
        return collection

    def find(self, resource: Resource) -> Collection | None:
        """Return the collection of a resource, which is named by its storage version, or None."""
        return self._collections.get(rooms.room(resource))

    @property
    def following(self) -> bool:
        """Whether changes in the store are seen."""
        return self._feeding is not None and not self._feeding.done()

    async def start(self) -> None:
        """Load what is stored, and follow it from there. The store must be open."""
        self.revision = await self._storage.oldest()
        kinds = {room: collection.kind for room, collection in self._collections.items()}
        self._collections = {room: Collection(kind, self.revision, self._windows) for room, kind in kinds.items()}
        newest = await load(self._storage, "", self._collections, self._aside)
        for collection in self._collections.values():
            _count(collection)
        feed = await self._replay(newest)
        self._feeding = asyncio.create_task(self._follow(feed))

    async def _replay(self, newest: int) -> AsyncIterator[Sequence[LogEntry]]:
        """Put the log in the windows, up to `newest`, so that a watch may continue from before the start; go on."""
        feed = self._storage.watch(self.revision)
        try:
            while self.revision < newest:
                self._apply(await anext(feed))
        except Compacted as error:  # what is left of a damaged log
            self.revision = error.oldest
            for collection in self._collections.values():
                collection.window = self._windows.open(error.oldest)
            return await self._replay(newest)
        return feed

    def set_aside(self, kind: Kind, key: Key) -> Path | None:
        """Return where an object is kept that was stored and cannot be read; None when there is none of that name."""
        return self._aside.where(rooms.path(kind.resource, key))

    # Kinds that come and go: see `wherry.apiserver.catalog.Follower`

    async def opening(self, kind: Kind) -> None:
        """Load what is stored of a kind and of its claims, and follow it from there; raises `StorageError`."""
        for one in (kind, *kind.claim_kinds):
            if rooms.room(one.resource) not in self._collections:
                await self._open(one)
        self._kinds.append(kind)

    async def _open(self, kind: Kind) -> None:
        room, collection = rooms.room(kind.resource), Collection(kind, 0, self._windows)
        held = self._held[room] = []
        try:
            if self._feeding is not None:  # else `start` will load it
                newest = await load(self._storage, f"/{room}/", {room: collection}, self._aside)
                collection.window = self._windows.open(collection.loaded)
                await self._caught_up(newest)
        finally:
            del self._held[room]
        for entry in held:
            self._feed(collection, entry)
        self._collections[room] = collection
        _count(collection)

    async def replaced(self, old: Kind, new: Kind) -> None:
        """Read what is stored as `new` sees it, and end the watches; raises `StorageError`."""
        self._kinds = [new if kind is old else kind for kind in self._kinds]
        collection = self.collection(new)
        collection.kind = new
        if not old.looks_like(new):
            fresh = Collection(new)
            await load(self._storage, f"/{rooms.room(new.resource)}/", {rooms.room(new.resource): fresh}, self._aside)
            collection.refresh(fresh)
        for watch in collection.watches:
            watch.end()

    async def closed(self, kind: Kind) -> None:
        """Let the writes under way end, then the watches. What another kind claims in stays for that."""
        self._kinds = [other for other in self._kinds if other is not kind]
        needed = {rooms.room(one.resource) for other in self._kinds for one in (other, *other.claim_kinds)}
        for one in (kind, *kind.claim_kinds):
            collection = self.find(one.resource)
            if collection is None:
                continue
            if rooms.room(one.resource) not in needed:
                while collection.pending:
                    await asyncio.wait([pending.commit.done for pending in collection.pending.values()])
                del self._collections[rooms.room(one.resource)]
                _objects.remove(one.resource.group_resource)
            if one is kind or rooms.room(one.resource) not in needed:
                for watch in collection.watches:
                    watch.end()

    async def _caught_up(self, revision: int) -> None:
        """Return once changes up to `revision` are visible; raises `StorageError` when they never come."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self.reached(revision)
        except TimeoutError:
            raise StorageError("changes in the store are not seen") from None

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

    async def fresh(self) -> None:
        """Return once all that had been written before the call is visible, by whom ever; raises `StorageError`."""
        if self._storage.shared:
            await self._freshness.wait()

    async def newest(self, kind: Kind, key: Key) -> Object | None:
        """Return an object (None: there is none) once no commit of it is under way."""
        collection = self.collection(kind)
        while (earlier := collection.pending.get(key)) is not None:
            await asyncio.wait([earlier.commit.done])
        return collection.get(key)

    def is_newest(self, kind: Kind, key: Key, seen: Object | None) -> bool:
        """Return whether `seen` is still the object at `key`, and no commit under way will change that."""
        collection = self.collection(kind)
        return key not in collection.pending and collection.get(key) is seen

    async def outdated(self, kind: Kind, key: Key) -> bool:
        """Return whether a write of the very object there is would change how it is kept; raises `StorageError`."""
        return await self._storage.outdated(rooms.path(kind.resource, key))

    async def commit(self, edits: Sequence[Edit]) -> Object:
        """Make all of `edits`, which are based on the newest state, or none; return the first's object once durable.

        The answer of a removal is the object's last state. Raises `Stale`, once the newer state can be read, when an
        object was not the newest, or a commit of it was under way; else `StorageError`. Up to the submission nothing
        interrupts the caller; from then on the commit goes on without it.
        """
        under_way = [p.commit.done for e in edits if (p := self.collection(e.kind).pending.get(e.key)) is not None]
        if under_way:
            await asyncio.wait(under_way)
            raise Stale(edits[0].path, 0)
        kind, key, new = edits[0]
        old = self.collection(kind).get(key)
        try:
            revision = await asyncio.shield(self._submit(edits))
        except Stale:
            await self._caught_up(await self._storage.revision())
            raise
        if new is None:
            assert old is not None  # else the commit would be stale
            return gone(old, revision)
        return new

    def _submit(self, edits: Sequence[Edit]) -> asyncio.Future[int]:
        places = [(self.collection(edit.kind), edit.key) for edit in edits]
        values = [encode(edit.new) if edit.new is not None else None for edit in edits]
        versions = [collection.revision_of(key) for collection, key in places]
        writes = [Write(e.path, value, version) for e, value, version in zip(edits, values, versions, strict=True)]
        commit = Commit(writes, asyncio.get_running_loop().create_future())
        for edit, (collection, key) in zip(edits, places, strict=True):
            collection.pending[key] = Pending(edit.new, commit)

        def failed(future: asyncio.Future[int]) -> None:
            if (error := future.exception()) is not None and not commit.done.done():
                for collection, key in places:
                    del collection.pending[key]
                commit.done.set_exception(error)
                commit.done.exception()  # the writer may have gone away

        asyncio.ensure_future(self._storage.commit(writes)).add_done_callback(failed)
        return commit.done

    async def _follow(self, feed: AsyncIterator[Sequence[LogEntry]]) -> None:
        try:
            async for batch in feed:
                self._apply(batch)
        except StorageError:
            log.exception("cannot follow the store any more")

    def _apply(self, batch: Sequence[LogEntry]) -> None:
        for revision, group in groupby(batch, attrgetter("revision")):
            entries = list(group)
            commit = self._ours(entries)
            for entry in entries:
                room, _ = rooms.parse(entry.key)
                if room in self._collections:
                    self._feed(self._collections[room], entry, commit)
                elif room in self._held:
                    self._held[room].append(entry)
            if commit is not None and not commit.done.done():
                commit.done.set_result(revision)
        self.revision = batch[-1].revision
        self._wake()

    def _ours(self, entries: Sequence[LogEntry]) -> Commit | None:
        """Return the commit of this process that the entries of one revision are; None: somebody else's."""
        room, key = rooms.parse(entries[0].key)
        collection = self._collections.get(room)
        pending = collection.pending.get(key) if collection is not None else None
        return pending.commit if pending is not None and pending.commit.is_(entries) else None

    def _feed(self, collection: Collection, entry: LogEntry, commit: Commit | None = None) -> None:
        _, key = rooms.parse(entry.key)
        if seen(collection, key, entry):
            collection.window.append(LoggedChange(entry, key, collection.kind))
        else:
            self._publish(collection, key, entry, commit)

    def _publish(self, collection: Collection, key: Key, entry: LogEntry, commit: Commit | None) -> None:
        """Make one stored write visible; the object is the writer's own where `commit` is."""
        if commit is not None:
            new = collection.pending.pop(key).new
            if new is not None:
                new["metadata"]["resourceVersion"] = str(entry.revision)  # not shared before this line
        else:
            new = self._read(collection.kind, entry)
        if new is not None:
            self._aside.replaced(entry.key)
        elif collection.get(key) is None:
            return  # what cannot be read was never here to leave
        size = len(entry.value or entry.previous or b"")
        collection.apply(Change(entry.revision, key, collection.get(key), new, size))

    def _read(self, kind: Kind, entry: LogEntry) -> Object | None:
        """Return what another server wrote; what cannot be read is set aside, as at the start, and leaves the store."""
        if entry.value is None:
            return None
        try:
            return read(Entry(entry.key, entry.value, entry.revision), kind)
        except ValueError as error:
            if self._aside.keep(entry.key, entry.value, str(error)):
                self._storage.commit([Write(entry.key, None, entry.revision)])
            return None

    def _wake(self) -> None:
        still = []
        for revision, done in self._waiting:
            if revision > self.revision:
                still.append((revision, done))
            elif not done.done():
                done.set_result(None)
        self._waiting = still


def _count(collection: Collection) -> None:
    _objects.labels(collection.kind.resource.group_resource).set_function(partial(len, collection))
