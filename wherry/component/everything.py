"""Every object of every resource that is served, as resources come and go: for who looks after all of them alike."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import partial

from wherry.component.backoff import Backoff
from wherry.component.component import Component
from wherry.component.index import KeysOf
from wherry.component.informer import Informer
from wherry.objects import Object
from wherry.objects.errors import ApiError
from wherry.objects.resource import EVENTS, Resource

log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 0.05
LONGEST_RETRY_SECONDS = 5.0
LATE_SECONDS = 1.0

Handler = Callable[[Resource, Object | None, Object | None], None]
"""Called with (resource, old, new) as an informer's handler is; must not block, nor mind being told twice."""

SetHandler = Callable[[Sequence[Resource]], None]
"""Called with the resources that are new when the set has changed (none of them, when some have only gone)."""


class Everything:
    """Follows whatever is served but Events, which nobody owns and which are too many to cache, while `run` runs.

    All that is to be told or found is asked for before. Of a resource that is served no more nobody hears anything
    more: its objects are out of sight, which is not to say that they are gone.
    """

    def __init__(self, component: Component):
        self._component = component
        self._informers: dict[Resource, Informer] = {}
        self._by_kind: dict[tuple[str, str], Resource] = {}
        self._own: set[Informer] = set()
        self._told: set[Informer] = set()
        self._indexes: dict[str, KeysOf] = {}
        self._handlers: list[Handler] = []
        self._set_handlers: list[SetHandler] = []
        self._known = asyncio.Event()

    # What is asked for

    def subscribe(self, handler: Handler, changed: SetHandler) -> None:
        """Call `handler` for every change of an object, `changed` when resources have come or gone."""
        self._handlers.append(handler)
        self._set_handlers.append(changed)

    def index(self, name: str, keys_of: KeysOf) -> Callable[[Hashable], Iterator[tuple[Resource, Object]]]:
        """Return what finds the objects under a key that `keys_of` gives them."""
        self._indexes[name] = keys_of

        def found(key: Hashable) -> Iterator[tuple[Resource, Object]]:
            for resource, informer in list(self._informers.items()):
                for obj in informer.index(name, keys_of).get(key):
                    yield resource, obj

        return found

    @property
    def is_wanted(self) -> bool:
        """Whether anybody asked for anything."""
        return bool(self._handlers)

    # What is there

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """Return one object, or None."""
        informer = self._informers.get(resource)
        return informer.get(namespace, name) if informer is not None else None

    def items(self) -> Iterator[tuple[Resource, Object]]:
        """Yield all objects."""
        for resource, informer in list(self._informers.items()):
            for obj in informer.items():
                yield resource, obj

    def of_kind(self, group: str, kind: str) -> Resource | None:
        """Return the resource of a kind, or None when none is served."""
        return self._by_kind.get((group, kind))

    def unknown(self) -> str | None:
        """Return that it is not known yet what is served, or None: a health check."""
        return None if self._known.is_set() else "what is served is not known yet"

    async def synced(self) -> None:
        """Return once all that is served now has been read."""
        await self._known.wait()
        while late := next((i for i in self._informers.values() if not i.synced.is_set()), None):
            with contextlib.suppress(TimeoutError):  # it may be served no more by then
                async with asyncio.timeout(LATE_SECONDS):
                    await late.wait_synced()

    # How it is kept

    async def run(self) -> None:
        """Follow what is served, until cancelled."""
        backoff = Backoff(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS)
        while True:
            try:
                async with contextlib.aclosing(self._component.client.resources()) as told:
                    async for resources in told:
                        backoff.reset()
                        self._apply([r for r in resources if r != EVENTS])
            except ApiError as error:
                log.debug("cannot ask what is served: %s", error)  # what we know is still good
            await asyncio.sleep(backoff.failed())

    def _apply(self, served: Sequence[Resource]) -> None:
        added = [r for r in served if r not in self._informers]
        removed = [r for r in self._informers if r not in served]
        for resource in removed:
            informer = self._informers.pop(resource)
            if informer in self._own:  # others may have asked for it, and wait for its return
                self._component.unfollow(informer)
                self._own.discard(informer)
        self._by_kind = {(r.group, r.kind): r for r in served}
        for resource in added:
            self._follow(resource)
        self._known.set()
        if added or removed:
            for handler in self._set_handlers:
                handler(added)

    def _follow(self, resource: Resource) -> None:
        others = {informer.resource for informer in self._component.informers}
        informer = self._informers[resource] = self._component.follow(resource)
        if resource not in others:
            self._own.add(informer)
        for name, keys_of in self._indexes.items():
            informer.index(name, keys_of)
        if informer not in self._told:
            self._told.add(informer)
            informer.subscribe(partial(self._tell, resource))

    def _tell(self, resource: Resource, old: Object | None, new: Object | None) -> None:
        if resource in self._informers:
            for handler in self._handlers:
                handler(resource, old, new)
