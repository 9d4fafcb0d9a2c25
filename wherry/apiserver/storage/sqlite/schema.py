"""The tables of a store's file, and how a file of an older version becomes one of this.

Every value is kept once: the log has what a key's value was *before* a commit; what it was after is in the next log
entry of that key, or it is the current one. Each value has a checksum, so that a byte changed on the disk is noticed.
"""

from __future__ import annotations

import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

from wherry.apiserver.storage.interface import StorageError

VERSION = 2
"""Kept in the file as SQLite's `user_version`."""

_TABLES = """
CREATE TABLE entries (key TEXT PRIMARY KEY, value BLOB NOT NULL, revision INTEGER NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE log (id INTEGER PRIMARY KEY, revision INTEGER NOT NULL, key TEXT NOT NULL, previous BLOB,
                  checksum INTEGER NOT NULL);
CREATE TABLE head (revision INTEGER NOT NULL);
"""

_FROM_1 = f"""
ALTER TABLE entries RENAME TO entries_1;
ALTER TABLE log RENAME TO log_1;
{_TABLES}
INSERT INTO head SELECT coalesce(max(revision), 0) FROM log_1;
INSERT INTO entries SELECT key, value, revision, checksum(key, value) FROM entries_1 ORDER BY key;
INSERT INTO log SELECT NULL, revision, key, previous, checksum(key, previous) FROM log_1 ORDER BY revision;
DROP TABLE entries_1;
DROP TABLE log_1;
"""
"""Version 1: one log entry a revision, with both values, and the last revision known from the log alone."""

_STEPS = {1: _FROM_1}
"""By the version a file has: what makes it one of the next."""


def checksum(key: str, value: bytes | None) -> int:
    """Return the CRC-32 of a value under its key."""
    return zlib.crc32(value or b"", zlib.crc32(key.encode()))


def create(path: Path) -> None:
    """Make a store without entries at `path`: whole, or not at all. Raises `sqlite3.Error`, `OSError`."""
    new = path.with_name(path.name + ".new")
    for left in ("", "-journal", "-wal", "-shm"):
        new.with_name(new.name + left).unlink(missing_ok=True)
    with closing(sqlite3.connect(new, isolation_level=None)) as db:
        db.execute("PRAGMA auto_vacuum=INCREMENTAL")
        db.executescript(f"BEGIN; {_TABLES} INSERT INTO head VALUES (0); PRAGMA user_version={VERSION}; COMMIT;")
        # Last: what is in a log on closing is moved from there then, and nobody hears if the disk has no room for it.
        db.execute("PRAGMA journal_mode=WAL")
    new.replace(path)


def prepare(db: sqlite3.Connection, path: Path) -> None:
    """Bring an open file to this version; raises `StorageError` for a version unknown here, `sqlite3.Error`."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version not in (*_STEPS, VERSION):
        if not version:
            raise StorageError(f"{path} is an SQLite file, but no store of ours: move it away")
        raise StorageError(f"{path} has schema version {version}, and this program knows versions up to {VERSION}")
    db.create_function("checksum", 2, checksum, deterministic=True)
    try:
        while version != VERSION:
            db.executescript(f"BEGIN IMMEDIATE; {_STEPS[version]} PRAGMA user_version={version + 1}; COMMIT;")
            version += 1
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
