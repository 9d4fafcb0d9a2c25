"""Images that no container uses go when the disk is filling, those first that were used longest ago.

Source: kubernetes pkg/kubelet/images/image_gc_manager.go, and KubeletConfiguration's defaults for
imageGCHighThresholdPercent, imageGCLowThresholdPercent and imageMinimumGCAge.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from wherry.images.store.names import Named
from wherry.images.store.store import Store

HIGH_PERCENT, LOW_PERCENT = 85, 80
"""How full a disk is when images begin to go, and when that is enough."""
YOUNG_SECONDS = 120.0
EVERY_SECONDS = 300.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system, in bytes; `free`: what is left."""

    size: int
    free: int

    @property
    def excess(self) -> int:
        """The bytes to be freed; 0 where the disk is not too full."""
        if 100 * (self.size - self.free) < HIGH_PERCENT * self.size:
            return 0
        return self.size * (100 - LOW_PERCENT) // 100 - self.free


def disk_of(folder: Path) -> Disk:
    """Look at the file system of a folder."""
    stat = os.statvfs(folder)
    return Disk(stat.f_blocks * stat.f_frsize, stat.f_bavail * stat.f_frsize)


def candidates(names: Iterable[tuple[Named, float]], in_use: Collection[str], now: float) -> list[list[str]]:
    """Return the names of each image that may go, the one used longest ago first. Pure.

    `names`: each with when it was last used; `in_use`: manifests. What was put here by hand stays: no registry has it.
    """
    images: dict[str, list[tuple[Named, float]]] = {}
    for named, used_at in names:
        images.setdefault(named.manifest, []).append((named, used_at))
    found = []
    for manifest, known in images.items():
        used_at = max(at for _, at in known)
        if manifest not in in_use and now - used_at >= YOUNG_SECONDS and not any(named.local for named, _ in known):
            found.append((used_at, [named.reference for named, _ in known]))
    return [references for _, references in sorted(found)]


async def collect(store: Store, look: Callable[[], Disk], now: float) -> list[str]:
    """Remove images until the disk is as empty as it should be; returns the names that went. Raises OSError."""
    gone: list[str] = []
    if not (goal := look().excess):
        return gone
    enough = look().free + goal
    for references in await asyncio.to_thread(_candidates, store, now):
        for reference in references:
            store.names.drop(reference)
        await store.sweep()
        gone += references
        if look().free >= enough:
            return gone
    log.warning("too little to remove on a full disk: wanted_bytes=%s missing_bytes=%s", goal, enough - look().free)
    return gone


def _candidates(store: Store, now: float) -> list[list[str]]:
    used = [(named, store.names.used_at(named.reference)) for named in store.names.all()]
    return candidates(used, store.in_use(), now)


async def keep_collecting(store: Store) -> None:
    """Look at the disk again and again until cancelled."""
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        try:
            gone = await collect(store, lambda: disk_of(store.root), time.time())
        except OSError as error:
            log.warning("images not removed: %s", error)
            continue
        if gone:
            log.info("images removed from a disk that was filling: names=%s", ",".join(gone))
