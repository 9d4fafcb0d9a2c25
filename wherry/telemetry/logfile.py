"""The file that this process's output goes to, put aside when it is full.

    NAME.log    NAME.log.1    NAME.log.2

Output is what descriptors 1 and 2 lead to, so that what a library or a child prints is there too. A full file is
renamed, and nothing of it lost; who follows it by its name (`tail -F`) goes on with the new one.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

FULL_BYTES = 8 * 1024 * 1024
OLDER = 2
"""How many full files are kept besides the one that is written."""

_current: Path | None = None


def redirect(path: Path) -> None:
    """Send stdout and stderr to `path`, and keep it from growing for ever; raises `OSError`."""
    global _current
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size >= FULL_BYTES:
        _put_aside(path)
    _open(path)
    _current = path


def look() -> None:
    """Put the file aside if it is full; what the disk does not allow is tried again the next time."""
    if _current is not None and os.fstat(2).st_size >= FULL_BYTES:
        with suppress(OSError):
            _put_aside(_current)
            _open(_current)


def files(path: Path) -> list[Path]:
    """Return the files of a log that are there, the oldest first, the one that is written last."""
    return [one for one in (*(_older(path, n) for n in range(OLDER, 0, -1)), path) if one.exists()]


def _older(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


def _put_aside(path: Path) -> None:
    for number in range(OLDER, 1, -1):
        with suppress(FileNotFoundError):
            _older(path, number - 1).replace(_older(path, number))
    path.replace(_older(path, 1))


def _open(path: Path) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    os.dup2(fd, 1)
    os.dup2(fd, 2)
    os.close(fd)
