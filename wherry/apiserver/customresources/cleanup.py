"""The objects go before their definition does.

Source: apiextensions-apiserver pkg/controller/finalizer/crd_finalizer.go.
"""

from __future__ import annotations

import time
from typing import NamedTuple

from wherry.apiserver.catalog import Catalog
from wherry.apiserver.customresources import status
from wherry.apiserver.kind import Kind
from wherry.apiserver.kinds.apiextensions.customresourcedefinition import CLEANUP
from wherry.apiserver.registry.options import DeleteOptions, WriteOptions
from wherry.apiserver.registry.registry import Registry
from wherry.apiserver.state.selection import select
from wherry.objects import Object, metadata, timestamps
from wherry.objects.resource import CUSTOM_RESOURCE_DEFINITIONS


class Cleanup:
    """Deletes all objects of a definition that is being deleted, and then lets it go."""

    def __init__(self, catalog: Catalog, registry: Registry):
        self._catalog = catalog
        self._registry = registry

    async def run(self, name: str, kind: Kind | None) -> None:
        """Empty `kind` (None: the definition `name` was never served) and release the definition.

        An object that a finalizer holds is waited for. Raises `ApiError`.
        """
        ended = _End("NeverEstablished", "resource was never established")
        if kind is not None:
            began = _End("InstanceDeletionInProgress", "CustomResource deletion is in progress")
            await self._tell(name, began, under_way=True)
            await self._empty(kind)
            ended = _End("InstanceDeletionCompleted", "removed all instances")
        await self._tell(name, ended, under_way=False)

    async def _empty(self, kind: Kind) -> None:
        collection = self._registry.state.collection(kind)
        served = self._catalog.served(kind)
        watch = collection.watch(select(kind, None), None)
        try:
            while remaining := list(collection.items()):
                fresh = [obj for obj in remaining if not metadata.is_being_deleted(obj)]
                await self._registry.delete_all(served, fresh, DeleteOptions(), WriteOptions())
                if len(collection) and not await watch.take():
                    return  # the kind is served no more; who serves it next begins again
        finally:
            watch.end()

    async def _tell(self, name: str, end: _End, *, under_way: bool) -> None:
        def change(definition: Object) -> Object:
            now = timestamps.rfc3339(time.time())
            told = status.terminating(definition, now, under_way=under_way, reason=end.reason, message=end.message)
            result = {**definition, "status": told}
            if not under_way:
                held = [f for f in definition["metadata"].get("finalizers") or () if f != CLEANUP]
                result["metadata"] = {**definition["metadata"], "finalizers": held}
            return result

        served = self._catalog.of(CUSTOM_RESOURCE_DEFINITIONS)
        await self._registry.modify(served, ("", name), change, WriteOptions(), "status")


class _End(NamedTuple):
    reason: str
    message: str
