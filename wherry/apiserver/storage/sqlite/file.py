"""The open SQLite file of a store: one transaction, one read, the log's length. Used by one thread at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from wherry.apiserver.storage.interface import (
    Compacted,
    Damaged,
    Entry,
    LogEntry,
    NoSpace,
    Page,
    Stale,
    StorageError,
    Write,
)
from wherry.apiserver.storage.sqlite import problems, schema
from wherry.apiserver.storage.sqlite.keeping import keeping_log
from wherry.apiserver.storage.sqlite.mark import Mark, acknowledged
from wherry.apiserver.storage.sqlite.schema import checksum

_WAL_BYTES = 4 * 1024 * 1024

ROOM_BYTES = 256 * 1024
"""How much room there must be for a disk that was full not to count as full any more."""

LOG_BYTES = 4 * 1024 * 1024
"""How much of former values the log keeps: as much again may be in memory after a start."""

FREE_PAGES = 256
"""So many unused pages may stay in the file: they are used again soon."""


class Logged(NamedTuple):
    """How long and how large the log is."""

    rows: int
    bytes: int


Outcome = int | StorageError
"""What became of a commit: its revision, or why it did not happen."""


class SqliteFile:
    """The file `path`, created when missing; `revision` is that of the last commit.

    Keeps about the last `log_length` changes, and fewer when those are beyond `log_bytes`. Raises `StorageError`: no
    store, damaged, of another version, not to be written, or not let go by another process within `busy_seconds`.
    """

    def __init__(self, path: Path, log_length: int, busy_seconds: float, log_bytes: int = LOG_BYTES):
        self._path = path
        self._log_length = log_length
        self._log_bytes = log_bytes
        self._db, self._mark, self.revision = self._open(busy_seconds)
        try:
            self._logged = _size(self._db)
        except sqlite3.Error as error:
            self.close()
            raise problems.of(path, error) from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()
        self._mark.close()

    def commit(self, commits: Sequence[Sequence[Write]]) -> tuple[list[Outcome], list[LogEntry]]:
        """Do all that can be done of `commits`, durably and in order, in one transaction.

        Returns an outcome for each, and the log of those that happened. When the transaction fails, none did.
        """
        before = self.revision, self._logged
        try:
            self._db.execute("BEGIN IMMEDIATE")
            results = [self._commit(writes) for writes in commits]
            self._db.execute("UPDATE head SET revision = ?", (self.revision,))
            self._trim()
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self.revision, self._logged = before
            return [problems.of(self._path, error) for _ in commits], []
        self._mark.set(self.revision)
        self._shrink()
        outcomes: list[Outcome] = [r if isinstance(r, Stale) else r[0].revision for r in results]
        return outcomes, [entry for r in results if not isinstance(r, Stale) for entry in r]

    def check(self) -> None:
        """Look at every page; raises `Damaged`."""
        for (found,) in self._read("PRAGMA integrity_check(1)"):
            if found != "ok":
                raise Damaged(f"{self._path} is damaged ({' '.join(found.split())})")

    def probe(self) -> StorageError | None:
        """Return why a commit would fail now, if it would; a small one may pass where a usual one does not."""
        if problems.free_bytes(self._path) < ROOM_BYTES:
            return NoSpace(f"the disk of {self._path} is full")
        try:
            self._db.execute("UPDATE head SET revision = revision")
        except sqlite3.Error as error:
            return problems.of(self._path, error)
        return None

    def range(self, prefix: str, after: str, limit: int) -> Page:
        """Return the first `limit` entries whose key starts with `prefix` and is greater than `after`."""
        rows = self._read(
            "SELECT key, value, revision, checksum FROM entries WHERE key >= ? AND key < ? AND key > ?"
            " ORDER BY key LIMIT ?",
            *(prefix, prefix + "\U0010ffff", after, limit + 1),
        )
        entries = [Entry(key, value, revision, total == checksum(key, value)) for key, value, revision, total in rows]
        return Page(entries[:limit], self.revision, len(entries) > limit)

    def oldest(self) -> int:
        """Return the smallest revision after which nothing is missing from the log."""
        rows = self._read("SELECT revision FROM log ORDER BY id LIMIT 1")
        return int(rows[0][0]) - 1 if rows else self.revision

    def log(self, after: int) -> list[LogEntry]:
        """Return what commits after a revision did; raises `Compacted` when some are not kept any more.

        Values that are not those that were written end the log: what is before them is forgotten.
        """
        if after < (oldest := self.oldest()):
            raise Compacted(oldest)
        entries = []
        for entry, intact in self._backwards(after):
            if not intact:
                self._forget(entry.revision)
                raise Compacted(entry.revision)
            entries.append(entry)
        return entries[::-1]

    def _backwards(self, after: int) -> Iterator[tuple[LogEntry, bool]]:
        """Yield the log from its end: a key's value after a commit is the one before the next commit."""
        later: dict[str, tuple[bytes | None, bool]] = {}
        rows = self._read(
            "SELECT revision, key, previous, checksum FROM log WHERE revision > ? ORDER BY id DESC", after
        )
        for revision, key, previous, total in rows:
            value, value_intact = later.get(key) or self._current(key)
            later[key] = previous, total == checksum(key, previous)
            yield LogEntry(revision, key, value, previous), value_intact and later[key][1]

    def _current(self, key: str) -> tuple[bytes | None, bool]:
        """Return the value of a key, and whether it is the one that was written."""
        rows = self._read("SELECT value, checksum FROM entries WHERE key = ?", key)
        return (rows[0][0], rows[0][1] == checksum(key, rows[0][0])) if rows else (None, True)

    def _forget(self, revision: int) -> None:
        self._read("DELETE FROM log WHERE revision <= ?", revision)
        self._logged = _size(self._db)

    def _open(self, busy_seconds: float) -> tuple[sqlite3.Connection, Mark, int]:
        """Return the open file and its mark, and its last revision."""
        try:
            problems.check(self._path)
            if not self._path.exists():
                schema.create(self._path)
            with keeping_log(self._path), ExitStack() as opened:
                db = sqlite3.connect(self._path, timeout=busy_seconds, isolation_level=None)
                opened.callback(db.close)
                _prepare(db, self._path)
                revision = _head(db, self._path)
                mark = Mark(self._path)
                opened.pop_all()
            return db, mark, revision
        except sqlite3.Error as error:
            raise problems.of(self._path, error) from error
        except OSError as error:
            raise StorageError(f"cannot use {self._path}: {error.strerror}") from error

    def _read(self, query: str, *parameters: object) -> list[Any]:
        try:
            return self._db.execute(query, parameters).fetchall()
        except sqlite3.Error as error:
            raise problems.of(self._path, error) from error

    def _commit(self, writes: Sequence[Write]) -> list[LogEntry] | Stale:
        """Do all of `writes`, or say which key is not as expected."""
        before = []
        for key, value, expected in writes:
            query = "SELECT revision, value, checksum FROM entries WHERE key = ?"
            row = self._db.execute(query, (key,)).fetchone()
            current, previous, total = row or (0, None, checksum(key, None))
            if current != expected or (value is None and row is None):
                return Stale(key, current)
            before.append((previous, total))
        self.revision += 1
        return [self._write(key, value, *old) for (key, value, _), old in zip(writes, before, strict=True)]

    def _write(self, key: str, value: bytes | None, previous: bytes | None, total: int) -> LogEntry:
        """Write one key; the checksum of its previous value goes along, right or wrong."""
        if value is None:
            self._db.execute("DELETE FROM entries WHERE key = ?", (key,))
        else:
            self._db.execute(
                "INSERT INTO entries VALUES (?1, ?2, ?3, ?4)"
                " ON CONFLICT (key) DO UPDATE SET value = ?2, revision = ?3, checksum = ?4",
                (key, value, self.revision, checksum(key, value)),
            )
        self._logged = Logged(self._logged.rows + 1, self._logged.bytes + len(previous or b""))
        row = (self.revision, key, previous, total)
        self._db.execute("INSERT INTO log (revision, key, previous, checksum) VALUES (?, ?, ?, ?)", row)
        return LogEntry(self.revision, key, value, previous)

    def _trim(self) -> None:
        """Forget the oldest commits of the log while it is longer or larger than it is to be; the newest stays."""
        if self._logged.rows <= self._log_length and self._logged.bytes <= self._log_bytes:
            return
        oldest = self._db.execute("SELECT revision, coalesce(length(previous), 0) FROM log ORDER BY id")
        last = 0
        for revision, rows in groupby(oldest, itemgetter(0)):
            sizes = [size for _, size in rows]
            left = Logged(self._logged.rows - len(sizes), self._logged.bytes - sum(sizes))
            needless = left.rows >= self._log_length or self._logged.bytes > self._log_bytes
            if revision == self.revision or not needless:
                break
            last, self._logged = revision, left
        oldest.close()
        self._db.execute("DELETE FROM log WHERE id <= (SELECT max(id) FROM log WHERE revision <= ?)", (last,))

    def _shrink(self) -> None:
        """Give pages back to the disk, some at a time, when much of the file is free."""
        with suppress(sqlite3.Error):  # then another time
            (free,) = self._db.execute("PRAGMA freelist_count").fetchone()
            (pages,) = self._db.execute("PRAGMA page_count").fetchone()
            if free > max(FREE_PAGES, pages // 4):
                # As a script, which takes every step: `execute` stops at the first, since there is no column to return.
                self._db.executescript(f"PRAGMA incremental_vacuum({FREE_PAGES})")


def _size(db: sqlite3.Connection) -> Logged:
    return Logged(*db.execute("SELECT count(*), coalesce(sum(length(previous)), 0) FROM log").fetchone())


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    db.execute("PRAGMA locking_mode=EXCLUSIVE")
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute(f"PRAGMA journal_size_limit={_WAL_BYTES}")
    schema.prepare(db, path)


def _head(db: sqlite3.Connection, path: Path) -> int:
    """Return the last revision; raises `Damaged` when there was a later one."""
    rows = db.execute("SELECT revision FROM head").fetchall()
    revision = rows[0][0] if rows else 0
    marked = acknowledged(path)
    if not rows or revision < marked:
        raise Damaged(
            f"{path} has lost its newest changes: it ends at revision {revision}, and {marked} was acknowledged "
            f"(an older copy put there on purpose is taken once {Mark.of(path).name} is removed)"
        )
    return int(revision)
