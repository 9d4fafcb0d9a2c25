"""One controller's view of the component all controllers share: one cache per resource, however many look at it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from wherry.component.component import Component
from wherry.component.events import EventRecorder
from wherry.component.everything import Everything
from wherry.component.index import Index, KeysOf
from wherry.component.informer import Informer
from wherry.controllers.config import ControllersConfig
from wherry.objects import Object
from wherry.objects.meaning.pods import node_of
from wherry.objects.metadata import controller_of
from wherry.objects.resource import PODS, Resource

ORPHANS = "orphans"
NAMESPACE = "namespace"
"""The index of `Context.by_namespace`, for whoever has one over all resources: informers keep one of a name."""


def owner_keys(obj: Object) -> Iterable[Hashable]:
    """Return the key an object has in `Context.by_owner`: its controller's uid, or (`ORPHANS`, namespace)."""
    owner = controller_of(obj)
    return [owner["uid"] if owner else (ORPHANS, obj["metadata"].get("namespace", ""))]


def namespace_keys(obj: Object) -> Iterable[Hashable]:
    """Return the key an object has in `Context.by_namespace`."""
    return [obj["metadata"].get("namespace", "")]


class Context:
    """What a controller is given. It remembers which caches it asked for, and can wait for those."""

    def __init__(self, component: Component, config: ControllersConfig, everything: Everything):
        self.client = component.client
        self.clock = component.clock
        self.config = config
        self.component = component
        self.everything = everything
        self._used: set[Informer] = set()

    def informer(self, resource: Resource) -> Informer:
        """Return the shared informer of `resource`."""
        informer = self.component.follow(resource)
        self._used.add(informer)
        return informer

    def index(self, resource: Resource, name: str, keys_of: KeysOf) -> Index:
        """Return the shared index of `resource` called `name`, made with `keys_of` when it is asked for first."""
        return self.informer(resource).index(name, keys_of)

    def by_namespace(self, resource: Resource) -> Index:
        """Return the index of `resource` by namespace."""
        return self.index(resource, NAMESPACE, namespace_keys)

    def by_owner(self, resource: Resource) -> Index:
        """Return the index of `resource` by its controller's uid; what has none is under (`ORPHANS`, namespace)."""
        return self.index(resource, "owner", owner_keys)

    def pods_by_node(self) -> Index:
        """Return the index of pods by the node they are bound to ("" for none)."""
        return self.index(PODS, "node", lambda o: [node_of(o)])

    def recorder(self, component: str) -> EventRecorder:
        """Return the recorder for a controller's events."""
        return self.component.recorder(component)

    async def synced(self) -> None:
        """Return once every cache asked for has its first content."""
        await self.component.synced(self._used)
