"""A component: what it follows, what it does, how it is. The same four lines put every one of them together.

    component = Component("proxy", client)
    component.follow(SERVICES).subscribe(changed)      # what it follows
    component.task("kernel", keep)                     # what it does
    await component.run(HealthServer("0.0.0.0", 10256, health=component.health))   # until cancelled

`process.run` makes a process of that; a task of another process does as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, TypeVar

from wherry.client.interface import Client
from wherry.component.events import EventRecorder, EventWriter
from wherry.component.health import Health
from wherry.component.informer import Informer, Shape
from wherry.component.supervise import supervise
from wherry.component.troubles import Troubles
from wherry.component.workqueue import WorkQueue
from wherry.objects.resource import Resource

K = TypeVar("K", bound=Hashable)
Selection = tuple[Resource, str | None, str, str, Shape | None]
"""(resource, namespace, labels, fields, shape)."""
Work = Callable[[], Awaitable[None]]


class Component:
    """One component. `name` is what logs and metrics call it, `clock` gives seconds since the epoch.

    Ready means: all that is followed has been read, and no part fails as a whole (`troubles`).
    """

    def __init__(
        self,
        name: str,
        client: Client,
        *,
        health: Health | None = None,
        troubles: Troubles | None = None,
        clock: Callable[[], float] = time.time,
    ):
        self.name = name
        self.client = client
        self.clock = clock
        self.troubles = troubles or Troubles(name)
        self.health = health or Health()
        self.health.ready("troubles", self.troubles.stalled)
        self.health.ready("synced", self.unsynced)
        self._events: EventWriter | None = None
        self._followed: dict[Selection, Informer] = {}
        self._work: list[tuple[str, Callable[[], Coroutine[Any, Any, None]]]] = []
        self._tasks: dict[object, asyncio.Task[None]] = {}
        self._running = False

    # What it follows

    def follow(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
        shape: Shape | None = None,
    ) -> Informer:
        """Return the informer of a selection, the same one for everybody who asks."""
        selection = (resource, namespace, labels, fields, shape)
        if selection not in self._followed:
            informer = Informer(
                self.client, resource, namespace, labels=labels, fields=fields, shape=shape, troubles=self.troubles
            )
            self._followed[selection] = informer
            if self._running:
                self._start_following(informer)
        return self._followed[selection]

    def unfollow(self, informer: Informer) -> None:
        """Follow a selection no longer, for everybody."""
        self._followed = {selection: i for selection, i in self._followed.items() if i is not informer}
        if task := self._tasks.pop(informer, None):
            task.cancel()
        informer.forget()

    @property
    def informers(self) -> list[Informer]:
        """Everything that is followed."""
        return list(self._followed.values())

    async def synced(self, informers: Iterable[Informer] | None = None) -> None:
        """Return once these informers (or all) have read what there is."""
        for informer in self.informers if informers is None else list(informers):
            await informer.wait_synced()

    def unsynced(self) -> str | None:
        """Return what has not been read yet, or None: a health check."""
        return next((why for i in self._followed.values() if (why := i.unsynced())), None)

    def is_synced(self) -> bool:
        """Return whether all that is followed has been read once. What is known stays good while the server is away."""
        return self.unsynced() is None

    # What it does

    def queue(self, name: str) -> WorkQueue[K]:
        """Return a new queue of keys; a task has to `run` it."""
        return WorkQueue(name, self.troubles)

    def task(self, name: str, work: Work, *, forever: bool = True) -> None:
        """Run `work` while the component runs; it is called again when it crashes, and (`forever`) when it ends."""
        supervised = partial(supervise, name, work, self.troubles, forever=forever)
        if self._running:
            self._start(work, name, supervised)
        else:
            self._work.append((name, supervised))

    def recorder(self, source: str, host: str = "") -> EventRecorder:
        """Return who writes Events in the name of `source` (on node `host`)."""
        if self._events is None:
            self._events = EventWriter(self.client, clock=self.clock)
            self.task("event writer", self._events.run)
        return self._events.recorder(source, host)

    async def run(self, *servers: AbstractAsyncContextManager[object]) -> None:
        """Run until cancelled; `servers` (of health, say) are started first and stopped last, and raise as they do."""
        async with contextlib.AsyncExitStack() as stack:
            for server in servers:
                await stack.enter_async_context(server)
            await self._serve()

    async def _serve(self) -> None:
        self._running = True
        try:
            for informer in self._followed.values():
                self._start_following(informer)
            for name, work in self._work:
                self._start(work, name, work)
            await asyncio.get_running_loop().create_future()
        finally:
            self._running = False
            tasks, self._tasks = list(self._tasks.values()), {}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _start_following(self, informer: Informer) -> None:
        name = f"informer of {informer.resource.group_resource}"
        self._start(informer, name, partial(supervise, name, informer.run, self.troubles))

    def _start(self, key: object, name: str, supervised: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._tasks[key] = asyncio.create_task(supervised(), name=f"{self.name}: {name}")
