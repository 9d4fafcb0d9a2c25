"""Who is told of a change. Watches are kept by what they ask for: a change costs those it concerns, not all of them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from wherry.apiserver.state.change import Change
from wherry.apiserver.state.selection import Reader, Selection
from wherry.objects import Object
from wherry.objects.verbs import EventType

LONGEST_BACKLOG = 16384
"""Events a watcher may be behind before its watch is ended; it can resume from its last version."""


class Event(NamedTuple):
    """What one watcher is told of one change."""

    type: EventType
    object: Object
    change: Change


class Watch:
    """Events waiting for one watcher."""

    def __init__(self, selection: Selection, leave: Callable[[Watch], None]):
        self.selection = selection
        self._leave = leave
        self._events: list[Event] = []
        self._woken = asyncio.Event()
        self.ended = False

    @property
    def idle(self) -> bool:
        """Whether everything pushed has been taken."""
        return not self._events

    def push(self, change: Change) -> None:
        """Tell the watcher of `change`, if it concerns it."""
        told = change.event(self.selection.matches)
        if told is not None:
            self._events.append(Event(*told, change))
            self._woken.set()
            if len(self._events) > LONGEST_BACKLOG:
                self.end()

    async def take(self) -> list[Event]:
        """Return the waiting events, at least one; none when the watch has ended, or somebody has called `wake`."""
        if not self._events and not self.ended:
            await self._woken.wait()
        self._woken.clear()
        events, self._events = self._events, []
        return events

    def wake(self) -> None:
        """Have `take` return, whatever there is: cheaper than a timer for each of its calls."""
        self._woken.set()

    def end(self) -> None:
        """Tell nothing more; what waits already can still be taken."""
        self.ended = True
        self._woken.set()
        self._leave(self)


class _Pinned(NamedTuple):
    """Watches that ask for one value of the same field."""

    read: Reader
    by_value: dict[str, dict[Watch, None]]


class Watches:
    """The open watches of one collection."""

    def __init__(self) -> None:
        self._all: dict[Watch, None] = {}
        self._unpinned: dict[Watch, None] = {}
        self._pinned: dict[str, _Pinned] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Watch]:
        return iter(list(self._all))

    def open(self, selection: Selection, missed: Iterable[Change] = ()) -> Watch:
        """Return a new watch that begins with `missed`."""
        watch = Watch(selection, self._discard)
        for change in missed:
            watch.push(change)
        self._all[watch] = None
        if pin := selection.pinned():
            path, read, value = pin
            pinned = self._pinned.setdefault(path, _Pinned(read, defaultdict(dict)))
            pinned.by_value[value][watch] = None
        else:
            self._unpinned[watch] = None
        return watch

    def tell(self, change: Change) -> None:
        """Push `change` to every watch it may concern."""
        for watch in list(self._unpinned):
            watch.push(change)
        for read, by_value in self._pinned.values():
            values = {read(obj) for obj in (change.old, change.new) if obj is not None}
            for value in values:
                for watch in list(by_value.get(value, ())):
                    watch.push(change)

    def _discard(self, watch: Watch) -> None:
        if watch not in self._all:
            return
        del self._all[watch]
        self._unpinned.pop(watch, None)
        if pin := watch.selection.pinned():
            path, _, value = pin
            pinned = self._pinned[path].by_value
            del pinned[value][watch]
            if not pinned[value]:
                del pinned[value]
            if not pinned:
                del self._pinned[path]
