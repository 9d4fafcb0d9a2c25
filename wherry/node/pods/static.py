"""A node's static pods: followed on disk, run by the manager, shown by mirrors. They run without the API."""

from __future__ import annotations

import asyncio
import logging

from wherry.component.events import EventRecorder
from wherry.component.inotify import FolderChanges
from wherry.node.pods.manager import PodManager
from wherry.node.pods.manifests import Found, Manifests
from wherry.node.pods.mirrors import Mirrors
from wherry.objects import Object
from wherry.objects.resource import NODES

log = logging.getLogger(__name__)

LOOK_SECONDS = 20.0
"""After which the folders are read again though nothing was told, as the kubelet does (fileCheckFrequency)."""
REASON = "InvalidStaticPod"


class StaticPods:
    """Follows `manifests`. `begin` before the manager takes over what is here; then `run`."""

    def __init__(self, manifests: Manifests, manager: PodManager, mirrors: Mirrors, events: EventRecorder):
        self._manifests = manifests
        self._manager = manager
        self._mirrors = mirrors
        self._events = events
        self._found = Found()

    async def begin(self) -> None:
        """Read the files, and have their pods run."""
        found = await asyncio.to_thread(self._manifests.look, self._found)
        for path, fault in found.faults.items():
            if self._found.faults.get(path) != fault:
                log.warning("%s", fault)
                self._events.event(NODES, self._node(), "Warning", REASON, fault)
        before, self._found = self._found.by_name, found
        after = found.by_name
        self._manager.keep_static(after)
        for key in {*before, *after}:
            if before.get(key) != after.get(key):
                self._mirrors.add(key)

    def _node(self) -> Object:
        return {"metadata": {"name": self._manifests.node, "uid": self._manifests.node}}  # as the kubelet's events

    async def run(self) -> None:
        """Follow the files until cancelled."""
        while True:
            there = [folder for folder in self._manifests.folders if folder.is_dir()]
            try:
                with FolderChanges(*there) as changes:
                    await self.begin()
                    await changes.wait(LOOK_SECONDS)
            except OSError as error:
                log.warning("static pods are looked for now and then only: %s", error)
                await asyncio.sleep(LOOK_SECONDS)
