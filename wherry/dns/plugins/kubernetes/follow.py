"""Keeps the records as the cluster is, and tells what changed."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import datetime

from wherry.client.interface import Client
from wherry.component.component import Component
from wherry.dns.chain import Environment
from wherry.dns.plugins.kubernetes.records import Records, Tag
from wherry.dns.plugins.kubernetes.searchers import Searchers, has_usual_search_path, kept_of_pod
from wherry.dns.plugins.kubernetes.settings import Settings
from wherry.objects import Object, metadata
from wherry.objects.meaning.pods import addresses, has_ended
from wherry.objects.meaning.wellknown import TRIGGER_TIME
from wherry.objects.metadata import Key
from wherry.objects.resource import ENDPOINT_SLICES, NAMESPACES, PODS, SERVICES

log = logging.getLogger(__name__)


class Follower:
    """Follows Namespaces, Services, EndpointSlices, and pods where they are wanted; `serial` is the last change's time.

    `searchers` knows whose resolvers have which search path, where somebody asks for that.
    """

    def __init__(self, wanted: Settings, records: Records, searchers: Searchers, environment: Environment):
        self._settings = wanted
        self._environment = environment
        self._component: Component | None = None
        self._task: asyncio.Task[None] | None = None
        self.records = records
        self.serial = int(time.time())
        self._searchers = searchers

    def start(self, client: Client) -> None:
        """Begin."""
        component = self._component = Component("dns", client, troubles=self._environment.troubles)
        component.follow(NAMESPACES).subscribe(self._namespace)
        component.follow(SERVICES).subscribe(self._service)
        if self._settings.endpoints:
            component.follow(ENDPOINT_SLICES).subscribe(self._slice)
        asked = any(plugin.asks_searches for plugin in self._environment.plugins.values())
        if self._settings.pods == "verified" or asked:
            component.follow(PODS, shape=kept_of_pod).subscribe(self._pod)
        component.task("first list", self._tell_synced, forever=False)
        self._task = asyncio.ensure_future(component.run())

    async def stop(self) -> None:
        """End."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._component:
            await self._component.client.close()

    def is_synced(self) -> bool:
        """Whether everything has been read once. What is known then stays good while the API server is away."""
        return self._component is not None and self._component.is_synced()

    async def synced(self) -> None:
        """Return once everything has been read."""
        if self._component:
            await self._component.synced()

    async def _tell_synced(self) -> None:
        await self.synced()
        self._environment.metrics.synced.set(1)
        log.info("synced")

    def _changed(self, tags: tuple[Tag, ...]) -> None:
        if tags:
            self.serial = int(time.time())
            self._environment.changed(tags)

    def _exposed(self, obj: Object | None, namespace: str) -> bool:
        return obj is not None and (not self._settings.namespaces or namespace in self._settings.namespaces)

    def _namespace(self, old: Object | None, new: Object | None) -> None:
        name = _key(old, new)[1]
        there = self._exposed(new, name) and self._settings.namespace_labels.matches(metadata.labels(new or {}))
        self._changed(self.records.set_namespace(name, there))

    def _service(self, old: Object | None, new: Object | None) -> None:
        key = _key(old, new)
        there = self._exposed(new, key[0]) and self._settings.labels.matches(metadata.labels(new or {}))
        self._changed(self.records.set_service(key, new if there else None))

    def _slice(self, old: Object | None, new: Object | None) -> None:
        key = _key(old, new)
        tags = self.records.set_slice(key, new if self._exposed(new, key[0]) else None)
        self._changed(tags)
        if tags and new and self.is_synced():
            self._observe(new)

    def _observe(self, piece: Object) -> None:
        """Tell how long the change took to get here (a headless Service's, which no proxy stands in for)."""
        when = metadata.annotations(piece).get(TRIGGER_TIME)
        if when and "service.kubernetes.io/headless" in metadata.labels(piece):
            passed = time.time() - datetime.fromisoformat(when.replace("Z", "+00:00")).timestamp()
            self._environment.metrics.programming.labels("headless_with_selector").observe(max(0.0, passed))

    def _pod(self, old: Object | None, new: Object | None) -> None:
        key = _key(old, new)
        ips = tuple(addresses(new)) if new and not has_ended(new) else ()
        self._searchers.set(key, ips, new is not None and has_usual_search_path(new))
        self._changed(self.records.set_pod(key, ips))


def _key(old: Object | None, new: Object | None) -> Key:
    return metadata.key(new or old or {})
