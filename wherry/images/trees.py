"""Removing folders that somebody filled who means harm: as deep as the kernel lets folders be, full of links.

`shutil.rmtree` calls itself for every level, holds a descriptor for each, and ends with RecursionError a thousand down.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove(folder: Path | str, *, dir_fd: int | None = None) -> None:
    """Remove a folder and all that is in it, following no link. Blocks.

    A folder in it is moved to the top before it is emptied, so none is ever deep. What cannot be removed stays, with
    the folders it is in; raises OSError of the first such.
    """
    top = os.open(folder, _FOLDER, dir_fd=dir_fd)
    try:
        failed = _empty(top)
    finally:
        os.close(top)
    if failed is not None:
        raise failed
    os.rmdir(folder, dir_fd=dir_fd)


def discard(folder: Path | str) -> None:
    """Remove of a folder what can be removed, without a word about what cannot."""
    with contextlib.suppress(OSError):
        remove(folder)


def _empty(top: int) -> OSError | None:
    """Empty an open folder, and return why something in it stays."""
    fresh = (f".{secrets.token_hex(8)}-{number}" for number in itertools.count())
    failed, waiting = _take_out(top, top, fresh)
    while waiting:
        name = waiting.pop()
        try:
            folder = os.open(name, _FOLDER, dir_fd=top)
            try:
                error, moved = _take_out(folder, top, fresh)
            finally:
                os.close(folder)
            failed, waiting = failed or error, waiting + moved
            os.rmdir(name, dir_fd=top)
        except OSError as error:
            failed = failed or error
    return failed


def _take_out(folder: int, top: int, fresh: Iterator[str]) -> tuple[OSError | None, list[str]]:
    """Remove the files in `folder`, move its folders to `top`; return why one stays, and what the folders are now."""
    failed, found = None, []
    with os.scandir(folder) as entries:
        for entry in list(entries):
            try:
                if not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry.name, dir_fd=folder)
                elif folder == top:
                    found.append(entry.name)
                else:
                    name = next(fresh)
                    os.rename(entry.name, name, src_dir_fd=folder, dst_dir_fd=top)
                    found.append(name)
            except OSError as error:
                failed = failed or error
    return failed, found
