"""The SQLite file of a store: its schema, one transaction, one read. Used by one thread at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from wherry.apiserver.storage.interface import Compacted, Entry, LogEntry, Stale, StorageError

SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE entries (key TEXT PRIMARY KEY, value BLOB NOT NULL, revision INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE log (revision INTEGER PRIMARY KEY, key TEXT NOT NULL, value BLOB, previous BLOB);
"""
_WAL_BYTES = 16 * 1024 * 1024


class Write(NamedTuple):
    """One write that was asked for: `value` None removes the key."""

    key: str
    value: bytes | None
    expected: int


Outcome = int | StorageError
"""What became of a write: its revision, or why it did not happen."""


class SqliteFile:
    """The file `path`, created when missing; `revision` is that of the last write.

    Keeps at least the last `log_length` writes. Raises `StorageError`: not a store, of another version, or not let go
    by another process within `busy_seconds`.
    """

    def __init__(self, path: Path, log_length: int, busy_seconds: float):
        self._path = path
        self._log_length = log_length
        try:
            self._db = self._connect(busy_seconds)
            (self.revision,) = self._db.execute("SELECT coalesce(max(revision), 0) FROM log").fetchone()
        except sqlite3.Error as error:
            raise StorageError(f"cannot open {path}: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def commit(self, writes: Sequence[Write]) -> tuple[list[Outcome], list[LogEntry]]:
        """Do all that can be done of `writes`, durably and in order, in one transaction.

        Returns an outcome for each, and the log of those that happened. When the transaction fails, none did.
        """
        before = self.revision
        try:
            self._db.execute("BEGIN IMMEDIATE")
            results = [self._apply(write) for write in writes]
            self._db.execute("DELETE FROM log WHERE revision <= ?", (self.revision - self._log_length,))
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self.revision = before
            return [StorageError(f"cannot write to {self._path}: {error}") for _ in writes], []
        outcomes: list[Outcome] = [r.revision if isinstance(r, LogEntry) else r for r in results]
        return outcomes, [r for r in results if isinstance(r, LogEntry)]

    def range(self, prefix: str) -> list[Entry]:
        """Return the entries whose key starts with `prefix`, in key order."""
        rows = self._read(
            "SELECT key, value, revision FROM entries WHERE key >= ? AND key < ? ORDER BY key",
            prefix,
            prefix + "\U0010ffff",
        )
        return [Entry(*row) for row in rows]

    def oldest(self) -> int:
        """Return the smallest revision after which nothing is missing from the log."""
        ((first,),) = self._read("SELECT min(revision) FROM log")
        return self.revision if first is None else int(first) - 1

    def log(self, after: int) -> list[LogEntry]:
        """Return the writes after a revision; raises `Compacted` when some are not kept any more."""
        if after < (oldest := self.oldest()):
            raise Compacted(oldest)
        rows = self._read("SELECT revision, key, value, previous FROM log WHERE revision > ?", after)
        return [LogEntry(*row) for row in rows]

    def _connect(self, busy_seconds: float) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=busy_seconds, isolation_level=None)
        db.execute("PRAGMA locking_mode=EXCLUSIVE")
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute(f"PRAGMA journal_size_limit={_WAL_BYTES}")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")
        elif version != SCHEMA_VERSION:
            raise StorageError(f"{self._path} has schema version {version}, this program writes {SCHEMA_VERSION}")
        return db

    def _read(self, query: str, *parameters: object) -> list[Any]:
        try:
            return self._db.execute(query, parameters).fetchall()
        except sqlite3.Error as error:
            raise StorageError(f"cannot read {self._path}: {error}") from error

    def _apply(self, write: Write) -> LogEntry | Stale:
        key, value, expected = write
        row = self._db.execute("SELECT revision, value FROM entries WHERE key = ?", (key,)).fetchone()
        current, previous = row or (0, None)
        if current != expected or (value is None and row is None):
            return Stale(key, current)
        self.revision += 1
        if value is None:
            self._db.execute("DELETE FROM entries WHERE key = ?", (key,))
        else:
            self._db.execute("REPLACE INTO entries VALUES (?, ?, ?)", (key, value, self.revision))
        entry = LogEntry(self.revision, key, value, previous)
        self._db.execute("INSERT INTO log VALUES (?, ?, ?, ?)", entry)
        return entry
