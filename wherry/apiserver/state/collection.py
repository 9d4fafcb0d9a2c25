"""The objects of one kind: current, recent, and about to be."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator

from wherry.apiserver.kind import Kind
from wherry.apiserver.state.change import Change, Key
from wherry.apiserver.state.commit import Pending
from wherry.apiserver.state.selection import Selection
from wherry.apiserver.state.watches import Watch, Watches
from wherry.apiserver.state.window import Windows
from wherry.objects import Object, metadata


class Collection:
    """The objects of `kind`, sorted by namespace and name; `revision` is that of the last change.

    `loaded` is the revision of the store at which its load began: what is newer is told to watches.

    `pending` are the writes under way, at most one an object: what a writer must already count with, and no
    reader sees yet.
    """

    def __init__(self, kind: Kind, start: int = 0, windows: Windows | None = None):
        self.kind = kind
        self.revision = 0
        self.loaded = 0
        self.window = (windows or Windows()).open(start)
        self.watches = Watches()
        self.pending: dict[Key, Pending] = {}
        self._objects: dict[str, dict[str, Object]] = {}
        self._namespaces: list[str] = []
        self._names: dict[str, list[str]] = {}
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

    def count(self, namespace: str | None, after: Key) -> int:
        """Return how many objects (of one namespace) there are whose key is greater than `after`."""
        spaces = self._namespaces if namespace is None else [namespace]
        total = 0
        for space in spaces[bisect_left(spaces, after[0]) :]:
            names = self._names.get(space, ())
            total += len(names) - (bisect_right(names, after[1]) if space == after[0] else 0)
        return total

    def select(self, selection: Selection, after: Key = ("", "")) -> Iterator[Object]:
        """Yield the selected objects whose key is greater than `after`, in key order."""
        name = selection.name
        if name is not None and (selection.namespace is not None or not self.kind.namespaced):
            one = self.get((selection.namespace or "", name))
            return iter([one] if one is not None and selection.matches(one) and metadata.key(one) > after else [])
        return (obj for obj in self.items(selection.namespace, after) if selection.matches(obj))

    def select_at(self, revision: int, selection: Selection, after: Key = ("", "")) -> list[Object]:
        """Return what `select` would have returned at `revision`; raises `Expired` when that is forgotten."""
        before = self.window.undone(revision)
        kept = {key: obj for obj in self.select(selection, after) if (key := metadata.key(obj)) not in before}
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
            if metadata.key(obj) not in self.pending:
                yield obj

    # What the feed does

    def load(self, obj: Object) -> None:
        """Put an object in place without telling anybody: the state at the start."""
        self._place(metadata.key(obj), obj)
        self.revision = max(self.revision, int(obj["metadata"]["resourceVersion"]))

    def refresh(self, other: Collection) -> None:
        """Take objects from `other`, which has read the same versions of them in another way; nobody is told."""
        for obj in other.items():
            key = metadata.key(obj)
            if other.revision_of(key) == self.revision_of(key):
                self._place(key, obj)

    def apply(self, change: Change) -> None:
        """Make `change` the newest state and tell the watchers."""
        self._place(change.key, change.new)
        self.revision = change.revision
        self.window.append(change)
        self.watches.tell(change)

    def _place(self, key: Key, obj: Object | None) -> None:
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

    def _remove(self, namespace: str, name: str) -> None:
        names = self._names[namespace]
        del self._objects[namespace][name]
        del names[bisect_left(names, name)]
        self._count -= 1
        if not names:
            del self._objects[namespace], self._names[namespace]
            del self._namespaces[bisect_left(self._namespaces, namespace)]
