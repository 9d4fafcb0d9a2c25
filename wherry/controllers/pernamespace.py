"""What every namespace has: one object of a given name, made when the namespace is, made again when it is lost."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from wherry.controllers.context import Context
from wherry.controllers.controller import Controller
from wherry.controllers.podcontrol import is_namespace_terminating
from wherry.objects import Object, metadata
from wherry.objects.errors import AlreadyExists, ApiError
from wherry.objects.metadata import Key
from wherry.objects.resource import NAMESPACES, Resource


class PerNamespaceController(Controller):
    """Keeps the object `object_name` of `resource` in every namespace that is not being deleted."""

    resource: ClassVar[Resource]
    object_name: ClassVar[str]

    def __init__(self, context: Context):
        super().__init__(context)
        self._namespaces = context.informer(NAMESPACES)
        self._objects = context.informer(self.resource)
        self.watch(NAMESPACES)
        self._objects.subscribe(self._object_changed)

    @abstractmethod
    def desired(self, namespace: str, current: Object | None) -> Object:
        """Return the object as it should be; `current` itself when it is."""

    async def reconcile(self, key: Key) -> None:
        """Create the object, or put it right."""
        namespace = self._namespaces.get(*key)
        if namespace is None or metadata.is_being_deleted(namespace):
            return
        current = self._objects.get(key[1], self.object_name)
        wanted = self.desired(key[1], current)
        if current is None:
            await self._create(key[1], wanted)
        elif wanted is not current:
            await self.client.update(self.resource, wanted)

    async def _create(self, namespace: str, wanted: Object) -> None:
        try:
            await self.client.create(self.resource, wanted, namespace)
        except AlreadyExists:
            return  # its event is on the way
        except ApiError as error:
            if not is_namespace_terminating(error):
                raise

    def _object_changed(self, old: Object | None, new: Object | None) -> None:
        obj = new or old
        if obj is not None and obj["metadata"]["name"] == self.object_name:
            self.queue.add(("", obj["metadata"]["namespace"]))
