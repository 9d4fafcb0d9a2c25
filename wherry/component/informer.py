"""A cache of one resource that follows a watch: the way every component sees the cluster.

Level-triggered: a watch that ends or breaks goes on from the last version seen; when that has expired the informer
lists again, page by page, and tells its handlers only what differs. A handler that raises is told again after a pause,
until it has taken the object in or the object has changed; the other objects and the other handlers do not notice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable

from wherry.client.interface import Client, ObjectList, WatchEvent
from wherry.component.backoff import Backoff
from wherry.component.handlers import Handler, Listener, name_of
from wherry.component.index import Index, KeysOf
from wherry.component.supervise import told_to_end
from wherry.component.troubles import Troubles
from wherry.component.turns import Turns
from wherry.objects import Object, metadata
from wherry.objects.errors import ApiError, Expired, ServiceUnavailable, TooManyRequests
from wherry.objects.metadata import Key
from wherry.objects.resource import Resource

log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 0.05
LONGEST_RETRY_SECONDS = 2.0
WORTH_A_WARNING = 7
"""So many failures in a row, four seconds of them, are told."""

LASTING_SECONDS = 1.0
"""A watch that ends sooner, without an event, counts as a failure: no server may make us ask in a tight loop."""

PAGE = 500
"""How many objects are listed at a time, as client-go does."""


Shape = Callable[[Object], Object]
"""Returns what is kept of an object, with its name, namespace and resourceVersion. It must not fail."""


class Informer:
    """The current objects of `resource`, kept up to date by `run`.

    `namespace`, `labels` and `fields` narrow it, `shape` says what is kept of each, where that is not all. Handlers
    subscribed before `run` see every object; `synced` is set after the first whole list has been handed to them. What
    fails unexpectedly is told to `troubles`.
    """

    def __init__(
        self,
        client: Client,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
        shape: Shape | None = None,
        troubles: Troubles | None = None,
    ):
        self.resource = resource
        self.synced = asyncio.Event()
        self._client = client
        self._namespace = namespace
        self._labels = labels
        self._fields = fields
        self._shape = shape
        self._objects: dict[Key, Object] = {}
        self._version = ""
        self._pages = True
        self._backoff = Backoff(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS)
        self._troubles = troubles or Troubles()
        self._part = self._troubles.part(f"informer of {resource.group_resource}")
        self._parts = [self._part]
        self._indexes: dict[Hashable, tuple[Index, Listener]] = {}
        self._listeners: list[Listener] = []
        self._timers: dict[Key, asyncio.TimerHandle] = {}

    def get(self, namespace: str, name: str) -> Object | None:
        """Return one cached object, or None."""
        return self._objects.get((namespace, name))

    def items(self) -> list[Object]:
        """Return all cached objects."""
        return list(self._objects.values())

    def subscribe(self, handler: Handler) -> None:
        """Call `handler` for every change; what is cached already is handed over at once as added."""
        listener = self._listener(name_of(handler), handler)
        self._listeners.append(listener)
        self._introduce(listener)

    def index(self, name: Hashable, keys_of: KeysOf) -> Index:
        """Return the index called `name`, made with `keys_of` when it is asked for first.

        Handlers are told of an object only after the indexes have taken it in.
        """
        if name not in self._indexes:
            made = Index(keys_of)
            listener = self._listener(f"index {name}", made.follow)
            self._indexes[name] = made, listener
            self._introduce(listener)
        return self._indexes[name][0]

    async def wait_synced(self) -> None:
        """Return once the first list has arrived."""
        await self.synced.wait()

    def unsynced(self) -> str | None:
        """Return that the first list has not arrived, or None: a health check."""
        return None if self.synced.is_set() else f"{self.resource.group_resource} are not read yet"

    def forget(self) -> None:
        """Take what fails out of the component's troubles: nobody follows this any more."""
        for part in self._parts:
            self._troubles.drop(part)

    # Following

    async def run(self) -> None:
        """Follow the resource until cancelled, through every failure of the server, and our own. May be run again."""
        for key in {key for listener in self._everybody() for key in listener.behind}:
            self._come_back(key)
        try:
            while True:
                await self._pause(await self._follow())
        finally:
            for timer in self._timers.values():
                timer.cancel()
            self._timers.clear()

    async def _follow(self) -> BaseException | None:
        """List if need be, then watch to the end; return what went wrong."""
        lasting: asyncio.TimerHandle | None = None
        try:
            if not self._version:
                await self._relist()
            lasting = asyncio.get_running_loop().call_later(LASTING_SECONDS, self._went_well)
            turns = Turns()
            async for event in self._watch():
                self._take(event)
                await turns.give_way()
        except (ServiceUnavailable, TooManyRequests) as error:
            return error  # what we know is still good: go on from there
        except ApiError as error:
            self._version = ""
            return error
        except (Exception, asyncio.CancelledError) as error:  # no component may go deaf: look at everything anew
            if told_to_end():
                raise
            self._version = ""
            self._part.failed("", error)
            return error
        finally:
            if lasting is not None:
                lasting.cancel()
        return None

    async def _pause(self, problem: BaseException | None) -> None:
        """Wait a moment; what failed often, and only that, is worth a warning."""
        pause = self._backoff.failed()
        if self._backoff.failures == WORTH_A_WARNING:
            log.warning("cannot follow %s: %s", self.resource.group_resource, problem or "watches end at once")
        await asyncio.sleep(pause)

    def _went_well(self) -> None:
        self._backoff.reset()
        self._part.succeeded("")

    async def _relist(self) -> None:
        items, version = await self._list()
        current = {metadata.key(o): o for o in items}
        turns = Turns()
        for key in [k for k in self._objects if k not in current]:
            self._set(key, None)
            await turns.give_way()
        for key, obj in current.items():
            self._set(key, obj)
            await turns.give_way()
        self._version = version
        self.synced.set()

    async def _list(self) -> tuple[list[Object], str]:
        """Return all objects, and the version of the first page: from there a watch misses nothing."""
        page = await self._list_page("")
        items, version = self._shaped(page.items), page.resource_version
        while page.continue_:
            try:
                page = await self._list_page(page.continue_)
            except Expired:
                self._pages = False  # the next pages would come too late again
                raise
            items = [*items, *self._shaped(page.items)]
        self._pages = True
        return items, version

    def _shaped(self, objects: list[Object]) -> list[Object]:
        return objects if self._shape is None else [self._shape(obj) for obj in objects]

    def _list_page(self, token: str) -> Awaitable[ObjectList]:
        return self._client.list(
            self.resource,
            self._namespace,
            labels=self._labels,
            fields=self._fields,
            limit=PAGE if self._pages else 0,
            continue_=token,
        )

    def _watch(self) -> AsyncIterator[WatchEvent]:
        return self._client.watch(
            self.resource, self._namespace, labels=self._labels, fields=self._fields, resource_version=self._version
        )

    def _take(self, event: WatchEvent) -> None:
        self._version = event.object["metadata"]["resourceVersion"]
        self._went_well()
        if event.type != "BOOKMARK":
            (obj,) = self._shaped([event.object])
            self._set(metadata.key(obj), None if event.type == "DELETED" else obj)

    # Telling

    def _set(self, key: Key, new: Object | None) -> None:
        old = self._objects.get(key)
        if new is None:
            if self._objects.pop(key, None) is None:
                return
        elif old is not None and old["metadata"].get("resourceVersion") == new["metadata"].get("resourceVersion"):
            return
        else:
            self._objects[key] = new
        self._tell(key, old, new)

    def _tell(self, key: Key, old: Object | None, new: Object | None) -> None:
        """Tell the indexes, then, if they all know, the handlers; come back for who did not take it in."""
        if not _all_take([i for _, i in self._indexes.values()], key, old, new):
            for listener in self._listeners:
                listener.hold(key, old)
            self._come_back(key)
        elif not _all_take(self._listeners, key, old, new):
            self._come_back(key)

    def _tell_again(self, key: Key) -> None:
        """Tell who is behind with an object how it is now."""
        del self._timers[key]
        new = self._objects.get(key)
        indexes = [i for _, i in self._indexes.values() if key in i.behind]
        listeners = [i for i in self._listeners if key in i.behind]
        if not _all_take(indexes, key, None, new) or not _all_take(listeners, key, None, new):
            self._come_back(key)

    def _come_back(self, key: Key) -> None:
        pause = max(i.behind[key].pause for i in self._everybody() if key in i.behind)
        if (timer := self._timers.get(key)) is not None:
            timer.cancel()
        self._timers[key] = asyncio.get_running_loop().call_later(pause, self._tell_again, key)

    def _everybody(self) -> list[Listener]:
        return [*(listener for _, listener in self._indexes.values()), *self._listeners]

    def _listener(self, name: str, handler: Handler) -> Listener:
        part = self._troubles.part(f"{name} of {self.resource.group_resource}")
        self._parts.append(part)
        return Listener(handler, part)

    def _introduce(self, listener: Listener) -> None:
        for key, obj in self._objects.items():
            if not listener.tell(key, None, obj):
                self._come_back(key)


def _all_take(listeners: Iterable[Listener], key: Key, old: Object | None, new: Object | None) -> bool:
    """Tell all of them, whoever raises; return whether all have taken the object in."""
    results = [listener.tell(key, old, new) for listener in listeners]
    return all(results)
