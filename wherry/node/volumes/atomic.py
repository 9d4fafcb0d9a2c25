"""Files that change all at once: `..data` is a link to a folder with a time in its name, and is replaced by rename(2).

    volume/key -> ..data/key          volume/..data -> ..2026_01_02_03_04_05.123456789

Source: kubernetes pkg/volume/util/atomic_writer.go; programs that watch such a volume know this layout.

A pod that has made its volume writable for itself may plant links there. None is followed: the files are made beside
the volume, where no pod looks, and come in as one folder; what is read and removed is such a folder, and no link.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from wherry.images import trees

DATA, NEW_DATA = "..data", "..data_tmp"
NAME = re.compile(r"\.\.(?:\d+_){5}\d+\.\d{9}")


class File(NamedTuple):
    """A file's content and permission bits."""

    content: bytes
    mode: int


def write(folder: Path, files: Mapping[str, File], *, group: int | None = None) -> bool:
    """Make `folder` hold exactly `files` (relative path -> file); tell whether anything had to change. Raises OSError.

    `group`: the pod's fsGroup; the files then belong to it and it can read them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    current = _current(folder)
    if current is not None and _holds(current, files, group):
        return False
    name = _name(time.time_ns())
    fresh = folder.with_name(f".{folder.name}{name}")
    fresh.mkdir(mode=0o755)
    try:
        for path, file in files.items():
            _write_one(fresh / path, file, group)
        fresh.rename(folder / name)
    except OSError:
        trees.discard(fresh)
        raise
    _swap(folder, name)
    _link(folder, files)
    if current is not None:
        trees.discard(current)
    return True


def _name(moment: int) -> str:
    """Return the name of the folder of a write at `moment`, in nanoseconds since the epoch."""
    return time.strftime("..%Y_%m_%d_%H_%M_%S", time.gmtime(moment // 10**9)) + f".{moment % 10**9:09}"


def _current(folder: Path) -> Path | None:
    """Return the folder that `..data` leads to, None where that is none that `write` has made."""
    try:
        current = folder / os.readlink(folder / DATA)
        made = current.parent == folder and NAME.fullmatch(current.name) and stat.S_ISDIR(current.lstat().st_mode)
    except OSError:
        return None
    return current if made else None


def _holds(current: Path, files: Mapping[str, File], group: int | None) -> bool:
    there = _files(current, 1 + max((path.count("/") for path in files), default=0))
    return there.keys() == files.keys() and all(
        path.lstat().st_mode == stat.S_IFREG | _mode(files[name].mode, group)
        and path.read_bytes() == files[name].content
        for name, path in there.items()
    )


def _files(folder: Path, levels: int) -> dict[str, Path]:
    """Return what is no folder, by its path in `folder`; so is what is more than `levels` deep, whatever it is."""
    found: dict[str, Path] = {}
    for entry in folder.iterdir():
        if levels > 1 and entry.is_dir() and not entry.is_symlink():
            found |= {f"{entry.name}/{path}": file for path, file in _files(entry, levels - 1).items()}
        else:
            found[entry.name] = entry
    return found


def _mode(mode: int, group: int | None) -> int:
    return mode | 0o040 if group is not None else mode


def _write_one(path: Path, file: File, group: int | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.content)
    if group is not None:
        os.chown(path, -1, group)
    path.chmod(_mode(file.mode, group))


def _swap(folder: Path, name: str) -> None:
    link = folder / NEW_DATA
    link.unlink(missing_ok=True)
    link.symlink_to(name)
    link.replace(folder / DATA)


def _link(folder: Path, files: Mapping[str, File]) -> None:
    """Make the links a user sees, and remove those of what is gone."""
    wanted = {PurePosixPath(path).parts[0] for path in files}
    for entry in folder.iterdir():
        if entry.is_symlink() and not entry.name.startswith("..") and entry.name not in wanted:
            entry.unlink()
    for name in wanted:
        link = folder / name
        if not link.is_symlink():
            link.symlink_to(f"{DATA}/{name}")
