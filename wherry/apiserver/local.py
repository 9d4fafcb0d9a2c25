"""The in-process client: the same rules, the same errors, no serialisation."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any

from wherry.apiserver.access.attributes import Attributes
from wherry.apiserver.api.api import Api, Target
from wherry.apiserver.registry.options import DeleteOptions, ListOptions, WatchOptions, WriteOptions
from wherry.apiserver.user import User
from wherry.client.interface import ObjectList, WatchEvent
from wherry.objects import Object
from wherry.objects.resource import Resource
from wherry.objects.verbs import PatchType


class LocalClient:
    """A `Client` of the server in this process, for `user`."""

    def __init__(self, api: Api, user: User):
        self._api = api
        self._user = user
        # A component in this process is the manager of what it writes, by the name it has on a machine of its own.
        self._options = WriteOptions(validation="Ignore", manager=user.name.rpartition(":")[2])

    async def get(
        self, resource: Resource, name: str, namespace: str | None = None, *, subresource: str = ""
    ) -> Object:
        """See `Client.get`."""
        return await self._api.get(self._user, _target(resource, namespace, name, subresource))

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
        limit: int = 0,
        continue_: str = "",
    ) -> ObjectList:
        """See `Client.list`: always everything, since objects are shared and a page would save nothing."""
        options = ListOptions(labels=labels, fields=fields)
        page = await self._api.list(self._user, _target(resource, namespace), options)
        return ObjectList(page.items, str(page.revision))

    async def watch(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
        resource_version: str = "",
    ) -> AsyncIterator[WatchEvent]:
        """See `Client.watch`."""
        options = WatchOptions(labels=labels, fields=fields, resource_version=resource_version)
        stream = await self._api.watch(self._user, _target(resource, namespace), options)
        served = self._api.catalog.of(resource)
        try:
            for obj in stream.initial:
                await served.ready([obj])
                yield WatchEvent("ADDED", served.from_storage(obj))
            while events := await stream.watch.take():
                await served.ready([event.object for event in events])
                for event in events:
                    yield WatchEvent(event.type, served.from_storage(event.object))
        finally:
            stream.watch.end()

    async def create(
        self, resource: Resource, obj: Object, namespace: str | None = None, *, name: str = "", subresource: str = ""
    ) -> Object:
        """See `Client.create`."""
        metadata = obj.get("metadata") or {}
        namespace = namespace or metadata.get("namespace")
        name = (name or metadata.get("name", "")) if subresource else ""
        target = _target(resource, namespace, name, subresource)
        return await self._api.create(self._user, target, obj, self._options)

    async def update(self, resource: Resource, obj: Object, *, subresource: str = "") -> Object:
        """See `Client.update`."""
        metadata = obj["metadata"]
        target = _target(resource, metadata.get("namespace"), metadata["name"], subresource)
        return (await self._api.update(self._user, target, obj, self._options)).object

    async def patch(
        self,
        resource: Resource,
        name: str,
        patch: Any,
        namespace: str | None = None,
        *,
        type: PatchType = "merge",
        subresource: str = "",
    ) -> Object:
        """See `Client.patch`."""
        target = _target(resource, namespace, name, subresource)
        return await self._api.patch(self._user, target, type, patch, self._options)

    async def delete(
        self,
        resource: Resource,
        name: str,
        namespace: str | None = None,
        *,
        grace_period_seconds: int | None = None,
        propagation_policy: str | None = None,
        uid: str | None = None,
    ) -> None:
        """See `Client.delete`."""
        body: Object = {"preconditions": {"uid": uid}} if uid else {}
        if grace_period_seconds is not None:
            body["gracePeriodSeconds"] = grace_period_seconds
        if propagation_policy:
            body["propagationPolicy"] = propagation_policy
        await self._api.delete(self._user, _target(resource, namespace, name), DeleteOptions.of(body), self._options)

    async def resources(self) -> AsyncGenerator[Sequence[Resource], None]:
        """See `Client.resources`."""
        catalog = self._api.catalog
        while True:
            self._api.authorizer.require(self._user, Attributes(verb="get", path="/apis"))
            generation = catalog.generation
            yield catalog.preferred()
            await catalog.changed(generation)

    async def close(self) -> None:
        """Nothing is held."""


def _target(resource: Resource, namespace: str | None, name: str = "", subresource: str = "") -> Target:
    return Target(resource, namespace if resource.namespaced else None, name, subresource)
