"""What all controllers share: one cache per resource, however many look at it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable, Iterable

from wherry.client.interface import Client
from wherry.component.events import EventRecorder, EventWriter
from wherry.component.index import Index, KeysOf
from wherry.component.informer import Informer
from wherry.controllers.config import ControllersConfig
from wherry.objects import Object
from wherry.objects.metadata import controller_of
from wherry.objects.resource import PODS, Resource

ORPHANS = "orphans"


def owner_keys(obj: Object) -> Iterable[Hashable]:
    """Return the key an object has in `Context.by_owner`: its controller's uid, or (`ORPHANS`, namespace)."""
    owner = controller_of(obj)
    return [owner["uid"] if owner else (ORPHANS, obj["metadata"].get("namespace", ""))]


class Caches:
    """One informer per resource and one index per question, made when first asked for."""

    def __init__(self, client: Client):
        self._client = client
        self._informers: dict[Resource, Informer] = {}
        self._indexes: dict[tuple[Resource, str], Index] = {}

    @property
    def informers(self) -> list[Informer]:
        """Every informer somebody asked for."""
        return list(self._informers.values())

    def informer(self, resource: Resource) -> Informer:
        """Return the informer of `resource`."""
        if resource not in self._informers:
            self._informers[resource] = Informer(self._client, resource)
        return self._informers[resource]

    def index(self, resource: Resource, name: str, keys_of: KeysOf) -> Index:
        """Return the index of `resource` called `name`."""
        if (resource, name) not in self._indexes:
            self._indexes[resource, name] = Index(self.informer(resource), keys_of)
        return self._indexes[resource, name]


class Context:
    """One controller's view of what is shared. It remembers which caches it asked for, and can wait for those."""

    def __init__(
        self,
        client: Client,
        config: ControllersConfig,
        caches: Caches,
        events: EventWriter,
        clock: Callable[[], float] = time.time,
    ):
        self.client = client
        self.config = config
        self.clock = clock
        self._caches = caches
        self._events = events
        self._used: set[Resource] = set()

    def informer(self, resource: Resource) -> Informer:
        """Return the shared informer of `resource`. To be asked for in a controller's constructor."""
        self._used.add(resource)
        return self._caches.informer(resource)

    def by_namespace(self, resource: Resource) -> Index:
        """Return the index of `resource` by namespace."""
        return self.index(resource, "namespace", lambda o: [o["metadata"].get("namespace", "")])

    def by_owner(self, resource: Resource) -> Index:
        """Return the index of `resource` by its controller's uid; what has none is under (`ORPHANS`, namespace)."""
        return self.index(resource, "owner", owner_keys)

    def pods_by_node(self) -> Index:
        """Return the index of pods by the node they are bound to ("" for none)."""
        return self.index(PODS, "node", lambda o: [o["spec"].get("nodeName", "")])

    def recorder(self, component: str) -> EventRecorder:
        """Return the recorder for a controller's events."""
        return self._events.recorder(component)

    async def synced(self) -> None:
        """Return once every cache asked for has its first content."""
        await asyncio.gather(*(self._caches.informer(r).wait_synced() for r in self._used))

    def index(self, resource: Resource, name: str, keys_of: KeysOf) -> Index:
        """Return the shared index of `resource` called `name`, made with `keys_of` when it is asked for first."""
        self._used.add(resource)
        return self._caches.index(resource, name, keys_of)
