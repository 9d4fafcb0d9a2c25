"""The objects of one kind: current, recent, and about to be."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right, insort
from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from wherry.apiserver.kind import Kind
from wherry.apiserver.state.change import Change, Key
from wherry.apiserver.state.selection import Selection
from wherry.apiserver.state.watches import Watch, Watches
from wherry.apiserver.state.window import Window
from wherry.objects import Object


@dataclass(slots=True, eq=False)
class Pending:
    """An object of a commit under way. `done` yields the commit's revision, once what it did can be read."""

    new: Object | None
    value: bytes | None
    done: asyncio.Future[int]


class Collection:
    """The objects of `kind`, sorted by namespace and name; `revision` is that of the last change.

    `loaded` is the revision of the store at which its load began: what is newer is told to watches.

    `pending` are the writes under way, at most one an object: what the single writer must already count with, and no
    reader sees yet.
    """

    def __init__(self, kind: Kind, start: int = 0):
        self.kind = kind
        self.revision = 0
        self.loaded = 0
        self.window = Window(start)
        self.watches = Watches()
        self.pending: dict[Key, Pending] = {}
        self._objects: dict[str, dict[str, Object]] = {}
        self._namespaces: list[str] = []
        self._names: dict[str, list[str]] = {}
        self._claims: dict[Hashable, Key] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    # What readers see

    def get(self, key: Key) -> Object | None:
        """Return one object, or None."""
        return self._objects.get(key[0], {}).get(key[1])

    def revision_of(self, key: Key) -> int:
        """Return the revision that wrote an object, 0 when there is none."""
        obj = self.get(key)
        return int(obj["metadata"]["resourceVersion"]) if obj is not None else 0

    def items(self, namespace: str | None = None, after: Key = ("", "")) -> Iterator[Object]:
        """Yield the objects (of one namespace) whose key is greater than `after`, in key order."""
        spaces = self._namespaces if namespace is None else [namespace]
        for space in spaces[bisect_left(spaces, after[0]) :]:
            objects = self._objects.get(space)
            if objects is not None:
                names = self._names[space]
                for name in names[bisect_right(names, after[1]) if space == after[0] else 0 :]:
                    yield objects[name]

    def select(self, selection: Selection, after: Key = ("", "")) -> Iterator[Object]:
        """Yield the selected objects whose key is greater than `after`, in key order."""
        name = selection.name
        if name is not None and (selection.namespace is not None or not self.kind.namespaced):
            one = self.get((selection.namespace or "", name))
            return iter([one] if one is not None and selection.matches(one) and key_of(one) > after else [])
        return (obj for obj in self.items(selection.namespace, after) if selection.matches(obj))

    def select_at(self, revision: int, selection: Selection, after: Key = ("", "")) -> list[Object]:
        """Return what `select` would have returned at `revision`; raises `Expired` when that is forgotten."""
        before = self.window.undone(revision)
        kept = {key: obj for obj in self.select(selection, after) if (key := key_of(obj)) not in before}
        kept |= {k: obj for k, obj in before.items() if obj is not None and k > after and selection.matches(obj)}
        return [kept[key] for key in sorted(kept)]

    def watch(self, selection: Selection, after: int | None) -> Watch:
        """Open a watch for changes after revision `after` (None: from now on); raises `Expired`."""
        return self.watches.open(selection, self.window.since(after) if after is not None else ())

    # What the writer sees

    def latest(self, key: Key) -> Object | None:
        """Return one object as it will be once every pending write is durable."""
        pending = self.pending.get(key)
        return pending.new if pending else self.get(key)

    def latest_items(self, namespace: str | None = None) -> Iterator[Object]:
        """Yield the objects as they will be once every pending write is durable, in no order."""
        for key, pending in list(self.pending.items()):
            if pending.new is not None and namespace in (None, key[0]):
                yield pending.new
        for obj in self.items(namespace):
            if key_of(obj) not in self.pending:
                yield obj

    def claimed(self, value: Hashable, by: Object) -> bool:
        """Return whether an object other than `by` claims `value`, or will once every pending write is durable."""
        assert self.kind.claims is not None
        me = by["metadata"].get("namespace", ""), by["metadata"].get("name", "")
        holder = self._claims.get(value, me)
        if holder != me and holder not in self.pending:
            return True
        new = (p.new for key, p in self.pending.items() if key != me)
        return any(value in self.kind.claims(obj) for obj in new if obj is not None)

    # What the feed does

    def load(self, obj: Object) -> None:
        """Put an object in place without telling anybody: the state at the start."""
        self._place(key_of(obj), obj)
        self.revision = max(self.revision, int(obj["metadata"]["resourceVersion"]))

    def apply(self, change: Change) -> None:
        """Make `change` the newest state and tell the watchers."""
        self._place(change.key, change.new)
        self.revision = change.revision
        self.window.append(change)
        self.watches.tell(change)

    def _place(self, key: Key, obj: Object | None) -> None:
        self._index(key, obj)
        namespace, name = key
        if obj is None:
            self._remove(namespace, name)
            return
        if namespace not in self._objects:
            self._objects[namespace] = {}
            self._names[namespace] = []
            insort(self._namespaces, namespace)
        objects = self._objects[namespace]
        if name not in objects:
            insort(self._names[namespace], name)
            self._count += 1
        objects[name] = obj

    def _index(self, key: Key, obj: Object | None) -> None:
        if self.kind.claims is None:
            return
        if (old := self.get(key)) is not None:
            for value in self.kind.claims(old):
                if self._claims.get(value) == key:
                    del self._claims[value]
        if obj is not None:
            self._claims.update(dict.fromkeys(self.kind.claims(obj), key))

    def _remove(self, namespace: str, name: str) -> None:
        names = self._names[namespace]
        del self._objects[namespace][name]
        del names[bisect_left(names, name)]
        self._count -= 1
        if not names:
            del self._objects[namespace], self._names[namespace]
            del self._namespaces[bisect_left(self._namespaces, namespace)]


def key_of(obj: Object) -> Key:
    """Return (namespace, name)."""
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]
