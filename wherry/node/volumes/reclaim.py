"""Removes the folders of this node's local-path volumes when those are deleted, and lets the volumes go."""

from __future__ import annotations

import asyncio
import contextlib

from wherry.component.component import Component
from wherry.component.events import EventRecorder
from wherry.component.workqueue import WorkQueue
from wherry.node.filesystem import NodeFileSystem
from wherry.node.volumes import persistent
from wherry.objects import Object, metadata
from wherry.objects.errors import NotFound
from wherry.objects.meaning.volumes import LOCAL_PATH_FINALIZER, LOCAL_PATH_NODE, PV_PROTECTION, source_of
from wherry.objects.metadata import Key
from wherry.objects.resource import PERSISTENT_VOLUMES


class Reclaimer:
    """Follows the volumes that are labelled as this node's."""

    def __init__(self, component: Component, name: str, files: NodeFileSystem, events: EventRecorder):
        self._client = component.client
        self._files = files
        self._events = events
        self._queue: WorkQueue[Key] = component.queue("volumes to remove")
        self._volumes = component.follow(PERSISTENT_VOLUMES, labels=f"{LOCAL_PATH_NODE}={name}")
        self._volumes.subscribe(self._changed)

    async def run(self) -> None:
        """Work until cancelled."""
        for volume in self._volumes.items():
            self._changed(None, volume)
        await self._queue.run(self._reclaim)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and is_to_go(new):
            self._queue.add(metadata.key(new))

    async def _reclaim(self, key: Key) -> None:
        volume = self._volumes.get(*key)
        if volume is None or not is_to_go(volume):
            return
        if volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete":
            try:
                await asyncio.to_thread(persistent.remove, source_of(volume)[1]["path"], self._files)
            except OSError as error:
                self._events.event(PERSISTENT_VOLUMES, volume, "Warning", "VolumeFailedDelete", str(error))
                raise
        left = [f for f in volume["metadata"]["finalizers"] if f != LOCAL_PATH_FINALIZER]
        with contextlib.suppress(NotFound):
            meta = {**volume["metadata"], "finalizers": left}
            await self._client.update(PERSISTENT_VOLUMES, {**volume, "metadata": meta})


def is_to_go(volume: Object) -> bool:
    """Return whether nobody uses a volume that is being deleted, and only its folder keeps it."""
    finalizers = volume["metadata"].get("finalizers") or ()
    return metadata.is_being_deleted(volume) and LOCAL_PATH_FINALIZER in finalizers and PV_PROTECTION not in finalizers
