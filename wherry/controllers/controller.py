"""A controller: keys of things that may have changed, and one `reconcile` that makes a thing right."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from typing import ClassVar

from wherry.component.informer import Informer
from wherry.component.workqueue import WorkQueue
from wherry.controllers.context import Context
from wherry.objects import Object, metadata
from wherry.objects.errors import NotFound
from wherry.objects.metadata import Key
from wherry.objects.resource import Resource


class Runner(ABC):
    """What the manager runs: `context` knows which caches it needs, `run` works until cancelled."""

    name: ClassVar[str]

    def __init__(self, context: Context):
        self.context = context
        self.client = context.client

    @abstractmethod
    async def run(self) -> None:
        """Work until cancelled. Called again after a crash."""


class Controller(Runner):
    """One controller. Its constructor subscribes to informers (handlers only queue keys); `run` does the work.

    `reconcile` is level-triggered: it looks at the caches as they are now, whatever put the key into the queue, and
    raises `ApiError` to be called again after a pause.
    """

    def __init__(self, context: Context):
        super().__init__(context)
        self.queue: WorkQueue[Key] = context.component.queue(self.name)
        self._watched: list[Informer] = []

    @abstractmethod
    async def reconcile(self, key: Key) -> None:
        """Make the object named `key` right."""

    async def run(self) -> None:
        """Work until cancelled. May be called again after a crash: everything is looked at anew."""
        for informer in self._watched:
            for obj in informer.items():
                self.enqueue(obj)
        await self.queue.run(self.reconcile, self.context.config.concurrency)

    def watch(self, resource: Resource) -> None:
        """Queue the key of every object of `resource` that changes."""
        informer = self.context.informer(resource)
        informer.subscribe(lambda old, new: self.enqueue(new or old))
        self._watched.append(informer)

    async def write_status(self, resource: Resource, obj: Object, status: Object) -> bool:
        """Write a status that is another than the cache has; return whether it is. What is gone needs none."""
        if status == (obj.get("status") or {}):
            return False
        with contextlib.suppress(NotFound):
            await self.client.update(resource, obj | {"status": status}, subresource="status")
        return True

    def enqueue(self, obj: Object | None) -> None:
        """Queue an object's key."""
        if obj is not None:
            self.queue.add(metadata.key(obj))
