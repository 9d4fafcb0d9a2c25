"""The memory behind `FakeClient`: current objects, one version counter, and a history from which watches read.

Objects put in are kept as they are (the caller hands over a private copy) and shared from then on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

from wherry.client.interface import WatchEvent
from wherry.objects import Object, metadata
from wherry.objects.errors import ApiError, Expired
from wherry.objects.resource import Resource

Collection = tuple[str, str]
"""(group, plural): one collection whatever the version it is asked for in."""

Matcher = Callable[[Object], bool]


@dataclass(frozen=True, slots=True)
class Change:
    """One write: `old` is None for a creation, `new` None for a removal."""

    version: int
    collection: Collection
    old: Object | None
    new: Object | None

    def event(self, matches: Matcher) -> WatchEvent | None:
        """Return what a watch that selects `matches` is told of this change, or None.

        An object that is gone, or no longer selected, is DELETED as it last was, under the version of the change
        (apiserver `pkg/storage/cacher/cache_watcher.go`).
        """
        before = self.old is not None and matches(self.old)
        if self.new is not None and matches(self.new):
            return WatchEvent("MODIFIED" if before else "ADDED", self.new)
        if self.old is not None and before:
            meta = {**self.old["metadata"], "resourceVersion": str(self.version)}
            return WatchEvent("DELETED", {**self.old, "metadata": meta})
        return None


class FakeStore:
    """Objects by collection, namespace and name, with the changes since `oldest`."""

    def __init__(self) -> None:
        self.version = 0
        self._objects: dict[Collection, dict[tuple[str, str], Object]] = {}
        self._history: list[Change] = []
        self.oldest = 0
        self._watches: set[_Watch] = set()

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """Return one current object, or None."""
        return self._objects.get(_collection(resource), {}).get((namespace, name))

    def list(self, resource: Resource, namespace: str | None = None) -> Iterator[Object]:
        """Yield the current objects of a collection, ordered by namespace and name as a server's store is."""
        for (ns, _), obj in sorted(self._objects.get(_collection(resource), {}).items(), key=lambda item: item[0]):
            if namespace is None or ns == namespace:
                yield obj

    def put(self, resource: Resource, obj: Object) -> Object:
        """Store `obj` under the next version, tell the watches, and return it as stored."""
        objects = self._objects.setdefault(_collection(resource), {})
        key = metadata.key(obj)
        self.version += 1
        new = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.version)}}
        old, objects[key] = objects.get(key), new
        self._record(Change(self.version, _collection(resource), old, new))
        return new

    def remove(self, resource: Resource, namespace: str, name: str) -> None:
        """Remove an object that is there."""
        old = self._objects[_collection(resource)].pop((namespace, name))
        self.version += 1
        self._record(Change(self.version, _collection(resource), old, None))

    def expire(self) -> None:
        """Forget all history, as a compaction does: watches under way, and from an older version, are `Expired`."""
        self.version += 1
        self._history.clear()
        self.oldest = self.version
        self.end_watches(_expired())

    def end_watches(self, error: ApiError | None = None, resource: Resource | None = None) -> None:
        """End every watch under way (of one resource): in peace, or with `error`."""
        for watch in list(self._watches):
            if resource is None or watch.collection == _collection(resource):
                watch.end(error)

    def bookmark(self) -> None:
        """Tell every watch the current version."""
        for watch in self._watches:
            watch.bookmark(self.version)

    @property
    def watching(self) -> int:
        """How many watches are under way."""
        return len(self._watches)

    @property
    def untold(self) -> bool:
        """Whether any watch has events that nobody has taken yet."""
        return any(watch.queue for watch in self._watches)

    async def watch(
        self, resource: Resource, namespace: str | None, matches: Matcher, since: str
    ) -> AsyncIterator[WatchEvent]:
        """Yield the changes after version `since`; "" and "0" start with an ADDED event for each current object."""

        def selects(obj: Object) -> bool:
            return namespace in (None, obj["metadata"].get("namespace", "")) and matches(obj)

        watch = _Watch(resource, _collection(resource), selects)
        if since in ("", "0"):
            watch.queue = [WatchEvent("ADDED", o) for o in self.list(resource) if selects(o)]
        elif int(since) < self.oldest:
            raise _expired()
        else:
            for change in self._history:
                if change.version > int(since):
                    watch.see(change)
        self._watches.add(watch)
        try:
            while True:
                for event in watch.take():
                    yield event
                if watch.ended and not watch.queue:
                    if watch.error is not None:
                        raise watch.error
                    return
                await watch.woken.wait()
        finally:
            self._watches.discard(watch)

    def _record(self, change: Change) -> None:
        self._history.append(change)
        for watch in self._watches:
            watch.see(change)


class _Watch:
    """One watch under way, and the events it has not handed over yet."""

    def __init__(self, resource: Resource, collection: Collection, matches: Matcher):
        self.queue: list[WatchEvent] = []
        self.woken = asyncio.Event()
        self.ended = False
        self.error: ApiError | None = None
        self._resource = resource
        self.collection = collection
        self._matches = matches

    def see(self, change: Change) -> None:
        if change.collection == self.collection and (event := change.event(self._matches)):
            self.queue.append(event)
            self.woken.set()

    def bookmark(self, version: int) -> None:
        self.queue.append(
            WatchEvent(
                "BOOKMARK",
                {
                    "apiVersion": self._resource.api_version,
                    "kind": self._resource.kind,
                    "metadata": {"resourceVersion": str(version)},
                },
            )
        )
        self.woken.set()

    def end(self, error: ApiError | None) -> None:
        self.ended, self.error = True, error
        self.woken.set()

    def take(self) -> list[WatchEvent]:
        events, self.queue = self.queue, []
        self.woken.clear()
        return events


def _collection(resource: Resource) -> Collection:
    return resource.group, resource.plural


def _expired() -> Expired:
    return Expired("too old resource version")
