"""hostPath: a file or folder of the node's own file system. Source of the types: k8s.io/api/core/v1 HostPathType.

Its path is opened once, its type is that of what was opened, and this is what is bound to where the pod's containers
get it from: other pods may write to the node's file system, and swap what is there for a link, at any moment.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from wherry.node import beneath, mounts
from wherry.node.filesystem import NodeFileSystem
from wherry.node.volumes.errors import VolumeError
from wherry.objects import Object

CHECKS: dict[str, tuple[str, Callable[[int], bool]]] = {
    "Directory": ("directory", stat.S_ISDIR),
    "DirectoryOrCreate": ("directory", stat.S_ISDIR),
    "File": ("file", stat.S_ISREG),
    "FileOrCreate": ("file", stat.S_ISREG),
    "Socket": ("socket file", stat.S_ISSOCK),
    "CharDevice": ("character device", stat.S_ISCHR),
    "BlockDevice": ("block device", stat.S_ISBLK),
}


def set_up(source: Object, files: NodeFileSystem, place: Path, *, shared: bool = False) -> Path:
    """Bind what is at the path to `place`, made if its type says so, and return `place`. Blocks.

    `shared`: what is mounted below one of them shows at the other.

    Raises VolumeError where the type does not fit, OSError.
    """
    if mounts.is_mounted(place):
        return place
    path, kind = os.path.normpath("/" + source["path"].lstrip("/")), source.get("type") or ""
    if kind and kind not in CHECKS:
        raise VolumeError(f"hostPath type {kind} is not known")
    fd = _open(path, kind, files)
    try:
        _check(fd, source["path"], kind)
        mounts.bind_open(fd, place, shared=shared)
    finally:
        os.close(fd)
    return place


def _open(path: str, kind: str, files: NodeFileSystem) -> int:
    with files.opened() as root:
        try:
            fd = beneath.in_root(root, path)
        except FileNotFoundError:
            special = files.open_special(path)
            return _make(root, path, kind) if special is None else special
    if stat.S_ISSOCK(os.fstat(fd).st_mode):
        special = files.open_special(path)
        if special is not None:
            os.close(fd)
            return special
    return fd


def _make(root: int, path: str, kind: str) -> int:
    """Make what is missing. Without a type nothing is checked, and a missing folder is made, as containerd does."""
    if kind in ("", "DirectoryOrCreate"):
        return beneath.make_folders(root, path, 0o755, beneath.in_root)
    if kind == "FileOrCreate":
        with suppress(FileNotFoundError):
            return _make_file(root, PurePosixPath(path))
    raise VolumeError(_misfit(path, kind))


def _make_file(root: int, path: PurePosixPath) -> int:
    folder = beneath.in_root(root, str(path.parent), os.O_PATH | os.O_DIRECTORY)
    try:
        fd = os.open(path.name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o644, dir_fd=folder)
        os.fchmod(fd, 0o644)
        return fd
    finally:
        os.close(folder)


def _check(fd: int, path: str, kind: str) -> None:
    if kind and not CHECKS[kind][1](os.fstat(fd).st_mode):
        raise VolumeError(_misfit(path, kind))


def _misfit(path: str, kind: str) -> str:
    return f"hostPath type check failed: {path} is not a {CHECKS[kind][0]}"
