"""hostPath: a file or folder of the node's own file system. Source of the types: k8s.io/api/core/v1 HostPathType."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

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


def set_up(source: Object, files: NodeFileSystem) -> Path:
    """Return where the path is, made if its type says so. Blocks. Raises VolumeError where the type does not fit."""
    path, kind = source["path"], source.get("type") or ""
    target = files.locate(path)
    if not target.exists() and not target.is_symlink():
        if kind in ("", "DirectoryOrCreate"):
            # Without a type nothing is checked, and the runtime makes a missing folder, as containerd does.
            target.mkdir(mode=0o755, parents=True)
        elif kind == "FileOrCreate":
            _make_file(target, path)
    if kind:
        _check(target, path, kind)
    return target


def _make_file(target: Path, path: str) -> None:
    try:
        target.touch(mode=0o644)
    except FileNotFoundError:
        raise VolumeError(f"hostPath type check failed: {path} is not a file") from None


def _check(target: Path, path: str, kind: str) -> None:
    if kind not in CHECKS:
        raise VolumeError(f"hostPath type {kind} is not known")
    what, fits = CHECKS[kind]
    try:
        mode = target.stat().st_mode
    except OSError:
        mode = 0
    if not fits(mode):
        raise VolumeError(f"hostPath type check failed: {path} is not a {what}")
