"""What is wrong with a store's file, in words that name the file and what the matter is."""

from __future__ import annotations

import errno
import os
import sqlite3
import struct
from pathlib import Path

from wherry.apiserver.storage.interface import Damaged, NoSpace, StorageError

MAGIC = b"SQLite format 3\0"
_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_READ_ONLY = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")


def of(path: Path, error: sqlite3.Error) -> StorageError:
    """Return the error a store raises for one of SQLite's, met with the file at `path`."""
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(_DAMAGE):
        return Damaged(f"{path} is damaged ({_truncated(path) or error})")
    if name == "SQLITE_FULL" or (name.startswith("SQLITE_IOERR") and not free_bytes(path)):
        return NoSpace(f"the disk of {path} is full")
    if name.startswith(_READ_ONLY):
        return StorageError(f"{path} cannot be written to ({_read_only(path) or error})")
    if name.startswith("SQLITE_BUSY"):
        return StorageError(f"{path} is locked: another process uses it")
    return StorageError(f"cannot use {path}: {error}")


def check(path: Path) -> None:
    """Raise `StorageError` for what SQLite would take for an empty store, or say less about; a missing file is good.

    A store is put in its place whole (`schema.create`), so an empty file is one that has lost what it held.
    """
    log = wal(path)
    if path.is_dir():
        raise StorageError(f"{path} is a folder, and should be the file of the cluster's objects: move it away")
    if not path.parent.is_dir():
        raise StorageError(f"{path.parent}, where the cluster's objects are to be kept, is no folder")
    if not path.exists():
        if log.exists() and log.stat().st_size:
            raise Damaged(f"{path} is missing, though {log.name} beside it holds changes to it")
        if reason := _read_only(path.parent):
            raise StorageError(f"{path} cannot be made ({reason})")
        return
    if not path.stat().st_size:
        raise Damaged(f"{path} is empty: what it held is gone")
    if log.is_dir():
        raise StorageError(f"{log} is a folder, and should be a file of the store: move it away")
    if reason := _read_only(path) or _read_only(path.parent):
        raise StorageError(f"{path} cannot be written to ({reason})")


def wal(path: Path) -> Path:
    """Return where SQLite keeps what is not yet in the file at `path`: its write-ahead log."""
    return path.with_name(path.name + "-wal")


def free_bytes(path: Path) -> int:
    """Return how much room there is on the disk of `path`'s folder; none where there is no such folder."""
    try:
        disk = os.statvfs(path.parent)
    except OSError:
        return 0
    return disk.f_bavail * disk.f_frsize


def _read_only(path: Path) -> str | None:
    """Return why `path` cannot be written to, as the system words it."""
    try:
        flags = os.O_TMPFILE | os.O_RDWR if path.is_dir() else os.O_RDWR
        os.close(os.open(path, flags))
    except OSError as error:
        return None if error.errno in _UNTOLD else error.strerror
    return None


_UNTOLD = {errno.EOPNOTSUPP, errno.EISDIR, errno.ENOSPC, errno.EDQUOT}
"""No O_TMPFILE here (open(2)), or full, which is another matter than read-only."""


def _truncated(path: Path) -> str | None:
    """Return how much of the file there is, if its header says that there should be more (fileformat2, offset 28)."""
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except OSError:
        return None
    if len(header) < 100 or not header.startswith(MAGIC):
        return None
    (page,) = struct.unpack(">H", header[16:18])
    (pages,) = struct.unpack(">I", header[28:32])
    size, wanted = path.stat().st_size, (65536 if page == 1 else page) * pages
    return f"truncated: {size} bytes are there of {wanted}" if size < wanted else None
