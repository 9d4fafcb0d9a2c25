"""emptyDir: a folder that lives as long as its pod; on disk, or in memory with `medium: Memory`."""

from __future__ import annotations

import os
from pathlib import Path

from wherry.node import mounts
from wherry.node.volumes.errors import VolumeError
from wherry.objects import Object, quantity

MODE = 0o777


def set_up(source: Object, on_disk: Path, in_memory: Path, group: int | None) -> Path:
    """Make the folder and return it. Blocks. Raises VolumeError for a medium that is not known here, OSError."""
    medium = source.get("medium", "")
    if medium not in ("", "Memory"):
        raise VolumeError(f"emptyDir medium {medium} is not supported by this node")
    folder = in_memory if medium == "Memory" else on_disk
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(MODE)
    if medium == "Memory" and not mounts.is_mounted(folder):
        limit = source.get("sizeLimit")
        mounts.tmpfs(folder, size=quantity.whole(limit) if limit else None, mode=0o1777)
    if group is not None:
        os.chown(folder, -1, group)
        folder.chmod(0o2777)
    return folder


def share(folder: Path, place: Path) -> Path:
    """Have what one of the pod's containers mounts in it show in the others; returns where it is then, `place`."""
    if folder != place and not mounts.is_mounted(place):
        place.mkdir(parents=True, exist_ok=True)
        mounts.bind(folder, place)
    mounts.share(place)
    return place
