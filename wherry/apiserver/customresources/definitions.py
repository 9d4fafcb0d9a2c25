"""Follows the definitions, and serves what they define.

A definition's kind is served before its status says that it is, and until the definition is gone. The definitions are
those in the store, whichever server they were written to.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from typing import NamedTuple

from wherry.apiserver.calls.webhook import Webhooks
from wherry.apiserver.catalog import AlreadyServed, Catalog
from wherry.apiserver.customresources import kind as kinds
from wherry.apiserver.customresources import status
from wherry.apiserver.customresources.cleanup import Cleanup
from wherry.apiserver.kind import Kind
from wherry.apiserver.kinds.apiextensions.customresourcedefinition import CLEANUP
from wherry.apiserver.registry.options import WriteOptions
from wherry.apiserver.registry.registry import Registry
from wherry.apiserver.state.collection import Collection
from wherry.apiserver.state.selection import select
from wherry.apiserver.storage.interface import StorageError
from wherry.objects import Object, metadata, timestamps
from wherry.objects.errors import ApiError, Conflict, NotFound
from wherry.objects.resource import CUSTOM_RESOURCE_DEFINITIONS

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0


class _Served(NamedTuple):
    """A kind, and what it was made from."""

    source: object
    kind: Kind


class Definitions:
    """Keeps the catalog as the definitions have it, from `start` to `stop`."""

    def __init__(self, catalog: Catalog, registry: Registry, calls: Webhooks):
        self._catalog = catalog
        self._registry = registry
        self._calls = calls
        self._cleanup = Cleanup(catalog, registry)
        self._served: dict[str, _Served] = {}
        self._cleaning: dict[str, asyncio.Task[None]] = {}
        self._due: dict[str, None] = {}
        self._following: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Serve what is defined already, and follow from there; raises `StorageError`."""
        collection = self._registry.state.find(CUSTOM_RESOURCE_DEFINITIONS)
        if collection is None:
            return
        for definition in list(collection.items()):
            if metadata.is_true(definition, "Established"):
                await self._served_at_start(definition)
        self._following = asyncio.create_task(self._follow(collection))

    async def _served_at_start(self, definition: Object) -> None:
        try:
            await self._serve(definition)
        except AlreadyServed:
            pass  # said in its status below
        except StorageError:
            raise
        except Exception:  # whoever wrote it: what makes no sense keeps no server from starting
            log.exception("a definition makes no sense and is not served name=%s", definition["metadata"]["name"])

    async def stop(self) -> None:
        """Follow no more; what is served stays served."""
        tasks = [*self._cleaning.values(), *([self._following] if self._following else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, collection: Collection) -> None:
        watch = collection.watch(select(collection.kind, None), None)
        self._due = dict.fromkeys(obj["metadata"]["name"] for obj in collection.items())
        while True:
            while self._due:
                name = next(iter(self._due))
                del self._due[name]
                await self._settled(name, collection)
            events = await watch.take()
            if not events:
                watch = collection.watch(select(collection.kind, None), None)  # it fell behind
                events = []
                self._due |= dict.fromkeys([*self._served, *(o["metadata"]["name"] for o in collection.items())])
            self._due |= dict.fromkeys(event.object["metadata"]["name"] for event in events)

    async def _settled(self, name: str, collection: Collection) -> None:
        """Reconcile one definition; what fails is tried again."""
        try:
            await self._reconcile(name, collection)
        except (Conflict, NotFound):
            self._due[name] = None
        except (ApiError, StorageError) as error:
            log.warning("a definition is tried again name=%s: %s", name, error)
            asyncio.get_running_loop().call_later(RETRY_SECONDS, self._due.setdefault, name)
        except Exception:  # whoever wrote it: the others are followed as ever
            log.exception("a definition makes no sense and is left alone name=%s", name)

    async def _reconcile(self, name: str, collection: Collection) -> None:
        definition = collection.get(("", name))
        if definition is None:
            if (served := self._served.pop(name, None)) is not None:
                await self._catalog.remove(served.kind)
            self._due |= dict.fromkeys(o["metadata"]["name"] for o in self._others(name, collection))
            return
        wanted = self._wanted(definition, collection)
        if metadata.is_true({"status": wanted}, "Established"):
            try:
                await self._serve({**definition, "status": wanted})
            except AlreadyServed as error:
                wanted = self._wanted(definition, collection, str(error))
        if wanted != definition.get("status"):
            await self._write(name, collection, wanted)
        if CLEANUP in (definition["metadata"].get("finalizers") or ()) and metadata.is_being_deleted(definition):
            self._clean(name)

    def _others(self, name: str, collection: Collection) -> Iterator[Object]:
        group = name.partition(".")[2]
        for other in collection.items():
            if other["spec"].get("group") == group and other["metadata"]["name"] != name:
                yield other

    def _wanted(self, definition: Object, collection: Collection, taken: str = "") -> Object:
        others = self._others(definition["metadata"]["name"], collection)
        return status.wanted(definition, others, timestamps.rfc3339(time.time()), taken)

    async def _write(self, name: str, collection: Collection, wanted: Object) -> None:
        """Give a definition its status; whose names changed may have set others' free."""
        had = collection.get(("", name))

        def change(newest: Object) -> Object:
            if had is None or newest["metadata"]["resourceVersion"] != had["metadata"]["resourceVersion"]:
                raise Conflict.of(
                    CUSTOM_RESOURCE_DEFINITIONS.plural, name, "it has changed"
                )  # and is in the queue again
            return {**newest, "status": wanted}

        served = self._catalog.of(CUSTOM_RESOURCE_DEFINITIONS)
        await self._registry.modify(served, ("", name), change, WriteOptions(), "status")
        if had is not None and (had.get("status") or {}).get("acceptedNames") != wanted["acceptedNames"]:
            self._due |= dict.fromkeys(o["metadata"]["name"] for o in self._others(name, collection))

    async def _serve(self, definition: Object) -> None:
        """Serve a definition as it is now; raises `AlreadyServed`, `StorageError`, anything where it is nonsense."""
        name = definition["metadata"]["name"]
        kinds.check(definition)
        names, closing = definition["status"]["acceptedNames"], metadata.is_being_deleted(definition)
        source = (definition["spec"], names, closing)
        before = self._served.get(name)
        if before is not None and before.source == source:
            return
        kind = kinds.kind(definition, self._calls)
        if before is None:
            await self._catalog.add(kind)
        else:
            await self._catalog.replace(before.kind, kind)
        self._served[name] = _Served(source, kind)

    def _clean(self, name: str) -> None:
        running = self._cleaning.get(name)
        if running is None or running.done():
            self._cleaning[name] = asyncio.create_task(self._cleaned(name))

    async def _cleaned(self, name: str) -> None:
        served = self._served.get(name)
        try:
            await self._cleanup.run(name, served.kind if served else None)
        except NotFound:
            pass
        except ApiError as error:
            log.warning("the objects of a definition are not deleted yet name=%s: %s", name, error)
            await asyncio.sleep(RETRY_SECONDS)
            self._due[name] = None
