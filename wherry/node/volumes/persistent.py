"""PersistentVolumes of a node: a hostPath, or a local folder, made here if it is the local-path provisioner's.

Source: kubernetes pkg/volume/local/local.go, pkg/volume/volume_linux.go (SetVolumeOwnership).
"""

from __future__ import annotations

import os
import posixpath
import stat
from contextlib import suppress
from pathlib import Path

from wherry.images import trees
from wherry.node import beneath, mounts
from wherry.node.filesystem import NodeFileSystem
from wherry.node.volumes import hostpath
from wherry.node.volumes.errors import VolumeError
from wherry.objects import Object, metadata
from wherry.objects.meaning.volumes import LOCAL_PATH, PROVISIONED_BY, source_of

MODE = 0o777
LEVELS = 100
"""How deep what is in a volume may be for its group to be set."""


def set_up(volume: Object, files: NodeFileSystem, place: Path, security: Object, *, shared: bool) -> Path:
    """Bind a volume to `place`, and return it; `security` is the pod's, `shared` as for hostPaths. Blocks.

    Raises VolumeError, OSError.
    """
    kind, source = source_of(volume)
    if kind == "hostPath":
        return hostpath.set_up(source, files, place, shared=shared)
    if mounts.is_mounted(place):
        return place
    with files.opened() as root:
        fd = _open(root, source["path"], make=metadata.annotations(volume).get(PROVISIONED_BY) == LOCAL_PATH)
    try:
        mounts.bind_open(fd, place, shared=shared)
    finally:
        os.close(fd)
    if (group := security.get("fsGroup")) is not None:
        _give(place, group, always=security.get("fsGroupChangePolicy") != "OnRootMismatch")
    return place


def _open(root: int, path: str, *, make: bool) -> int:
    try:
        return beneath.in_root(root, path)
    except FileNotFoundError as error:
        if not make:
            raise VolumeError(f'path "{path}" does not exist') from error
    os.close(beneath.make_folders(root, posixpath.dirname(path), 0o755, beneath.in_root))
    return beneath.make_folders(root, path, MODE, beneath.in_root)


def _give(place: Path, group: int, *, always: bool) -> None:
    """Let a group use all that is in a volume, which other pods may be changing: what is changed is what was opened."""
    folder = os.open(place, os.O_PATH | os.O_DIRECTORY)
    try:
        if always or not _fits(os.fstat(folder), group):
            _give_folder(folder, group, LEVELS)
    finally:
        os.close(folder)


def _fits(info: os.stat_result, group: int) -> bool:
    return info.st_gid == group and info.st_mode & 0o2770 == 0o2770


def _give_folder(folder: int, group: int, levels: int) -> None:
    """Let a group use an open folder, when it may use what is in it."""
    if not levels:
        raise VolumeError(f"folders are more than {LEVELS} deep: fsGroup cannot be applied")
    listed = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
    try:
        for name in os.listdir(listed):
            with suppress(FileNotFoundError):  # somebody has just removed it
                _give_entry(listed, name, group, levels)
        os.fchown(listed, -1, group)
        os.fchmod(listed, stat.S_IMODE(os.fstat(listed).st_mode) | 0o2770)
    finally:
        os.close(listed)


def _give_entry(folder: int, name: str, group: int, levels: int) -> None:
    entry = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=folder)
    try:
        mode = os.fstat(entry).st_mode
        if stat.S_ISDIR(mode):
            _give_folder(entry, group, levels - 1)
            return
        os.chown(name, -1, group, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISREG(mode):
            os.chmod(f"/proc/self/fd/{entry}", stat.S_IMODE(mode) | 0o660)
    finally:
        os.close(entry)


def remove(path: str, files: NodeFileSystem) -> None:
    """Remove the folder of a volume, following no link below its parent. Blocks. Raises OSError."""
    parent, name = posixpath.split(posixpath.normpath(path))
    with files.opened() as root:
        try:
            fd = beneath.in_root(root, parent, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            return
    try:
        trees.remove(name, dir_fd=fd)
    except FileNotFoundError:
        pass
    finally:
        os.close(fd)
