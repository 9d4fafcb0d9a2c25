"""A cache of one resource that follows a watch: the way every component sees the cluster.

Level-triggered: a watch that ends or breaks goes on from the last version seen; when that has expired the informer
lists again, and tells its handlers only what differs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

from wherry.client.interface import Client, WatchEvent
from wherry.objects import Object, metadata
from wherry.objects.errors import ApiError, ServiceUnavailable, TooManyRequests
from wherry.objects.metadata import Key
from wherry.objects.resource import Resource

log = logging.getLogger(__name__)

Handler = Callable[[Object | None, Object | None], None]
"""Called with (old, new): (None, new) added, (old, new) changed, (old, None) deleted. Must not block or raise."""

RETRY_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
"""The pause after each failure in a row. Any event, or a watch that lasted, starts from the first again."""

LASTING_SECONDS = 1.0
"""A watch that ends sooner, without an event, counts as a failure: no server may make us ask in a tight loop."""


class Informer:
    """The current objects of `resource`, kept up to date by `run`.

    `namespace`, `labels` and `fields` narrow it. Handlers subscribed before `run` see every object; `synced` is set
    after the first whole list has been handed to them.
    """

    def __init__(
        self, client: Client, resource: Resource, namespace: str | None = None, *, labels: str = "", fields: str = ""
    ):
        self.resource = resource
        self.synced = asyncio.Event()
        self._client = client
        self._namespace = namespace
        self._labels = labels
        self._fields = fields
        self._objects: dict[Key, Object] = {}
        self._handlers: list[Handler] = []
        self._failures = 0

    def get(self, namespace: str, name: str) -> Object | None:
        """Return one cached object, or None."""
        return self._objects.get((namespace, name))

    def items(self) -> list[Object]:
        """Return all cached objects."""
        return list(self._objects.values())

    def subscribe(self, handler: Handler) -> None:
        """Call `handler` for every change; what is cached already is handed over at once as added."""
        self._handlers.append(handler)
        for obj in self.items():
            handler(None, obj)

    async def wait_synced(self) -> None:
        """Return once the first list has arrived."""
        await self.synced.wait()

    async def run(self) -> None:
        """Follow the resource until cancelled, through every failure of the server."""
        loop = asyncio.get_running_loop()
        version = ""
        while True:
            started = loop.time()
            problem: ApiError | None = None
            try:
                if not version:
                    version = await self._relist()
                async for event in self._watch(version):
                    version = event.object["metadata"]["resourceVersion"]
                    self._failures = 0
                    if event.type != "BOOKMARK":
                        self._set(metadata.key(event.object), None if event.type == "DELETED" else event.object)
            except (ServiceUnavailable, TooManyRequests) as error:
                problem = error  # what we know is still good: go on from there
            except ApiError as error:
                problem, version = error, ""
            if loop.time() - started >= LASTING_SECONDS:
                self._failures = 0
            await self._pause(problem)

    async def _pause(self, problem: ApiError | None) -> None:
        """Wait a moment; what failed often, and only that, is worth a warning."""
        if self._failures == len(RETRY_SECONDS):
            log.warning("cannot follow %s: %s", self.resource.group_resource, problem or "watches end at once")
        pause = RETRY_SECONDS[min(self._failures, len(RETRY_SECONDS) - 1)]
        self._failures += 1
        await asyncio.sleep(pause)

    async def _relist(self) -> str:
        listed = await self._client.list(self.resource, self._namespace, labels=self._labels, fields=self._fields)
        current = {metadata.key(o): o for o in listed.items}
        for key in [k for k in self._objects if k not in current]:
            self._set(key, None)
        for key, obj in current.items():
            self._set(key, obj)
        self.synced.set()
        return listed.resource_version

    def _watch(self, version: str) -> AsyncIterator[WatchEvent]:
        return self._client.watch(
            self.resource, self._namespace, labels=self._labels, fields=self._fields, resource_version=version
        )

    def _set(self, key: Key, new: Object | None) -> None:
        old = self._objects.get(key)
        if new is None:
            if self._objects.pop(key, None) is None:
                return
        elif old is not None and old["metadata"].get("resourceVersion") == new["metadata"].get("resourceVersion"):
            return
        else:
            self._objects[key] = new
        for handler in self._handlers:
            handler(old, new)
