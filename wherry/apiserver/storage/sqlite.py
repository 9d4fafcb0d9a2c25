"""The durable store of the embedded cluster: one SQLite file, one writer thread, group commit.

Lessons of kine and k3s (k3s#11269, k3s#3660, k3s#13720, kine#213): a single append-only table stalls when it is
compacted and grows without bound under Lease renewals, and several writers meet "database is locked". So here:

- current entries live apart from a log that every transaction trims to a fixed length, a few rows at a time;
- one thread owns the only connection, so no lock is ever contended and no reader can hold the WAL open;
- what is submitted while a transaction is being synced goes into the next one: under load many writes share one fsync.

A write is acknowledged after its transaction is committed with `synchronous=FULL` in WAL mode, which is durable against
the death of the process and, on a disk that honours fsync, of the machine.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, cast

from wherry.apiserver.storage.feed import Batch, Feed
from wherry.apiserver.storage.interface import Compacted, Entry, LogEntry, Snapshot, Stale, StorageError

LOG_LENGTH = 8192
LARGEST_BATCH = 512
SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE entries (key TEXT PRIMARY KEY, value BLOB NOT NULL, revision INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE log (revision INTEGER PRIMARY KEY, key TEXT NOT NULL, value BLOB, previous BLOB);
"""


@dataclass(slots=True)
class _Write:
    key: str
    value: bytes | None
    expected: int
    done: asyncio.Future[int]
    outcome: int | StorageError = 0


@dataclass(slots=True)
class _Read:
    """Anything else the connection is asked: `work` runs in the thread, `deliver` gets its result in the event loop."""

    work: Callable[[sqlite3.Connection], Any]
    done: asyncio.Future[Any]
    deliver: Callable[[Any], Any] = field(default=lambda result: result)


class SqliteStorage:
    """A `Storage` in the file `path` (created when missing).

    `log_length` bounds how far back a watch may start; `busy_seconds` is how long `open` waits for another process to
    let go of the file.
    """

    def __init__(self, path: Path, log_length: int = LOG_LENGTH, busy_seconds: float = 5.0):
        self._path = path
        self._busy_seconds = busy_seconds
        self._log_length = log_length
        self._feed = Feed()
        self._jobs: queue.SimpleQueue[_Write | _Read | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop
        self._revision = 0

    async def open(self) -> None:
        """Open or create the file; raises `StorageError` when that fails."""
        self._loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="storage", daemon=True)
        self._thread.start()
        await ready

    async def close(self) -> None:
        """Finish submitted writes, end watches and close the file."""
        if self._thread is not None:
            thread, self._thread = self._thread, None
            self._jobs.put(None)
            await asyncio.to_thread(thread.join)
            await asyncio.sleep(0)  # what the thread delivered last
            self._feed.close()

    async def range(self, prefix: str = "") -> Snapshot:
        """Return all entries whose key starts with `prefix`."""

        def read(db: sqlite3.Connection) -> Snapshot:
            rows = db.execute(
                "SELECT key, value, revision FROM entries WHERE key >= ? AND key < ? ORDER BY key",
                (prefix, prefix + "\U0010ffff"),
            )
            return Snapshot([Entry(*row) for row in rows], self._revision)

        snapshot: Snapshot = await self._ask(read)
        return snapshot

    def put(self, key: str, value: bytes, expected: int) -> Awaitable[int]:
        """Write `value` and return its revision, if the key's revision is `expected`."""
        return self._submit(key, value, expected)

    def delete(self, key: str, expected: int) -> Awaitable[int]:
        """Remove `key` and return the revision of the removal, if the key's revision is `expected`."""
        return self._submit(key, None, expected)

    async def oldest(self) -> int:
        """Return the smallest `after` that `watch` still serves."""
        oldest: int = await self._ask(self._oldest)
        return oldest

    async def watch(self, after: int) -> AsyncIterator[Sequence[LogEntry]]:
        """Yield every write of a revision greater than `after`, in order."""

        def read(db: sqlite3.Connection) -> Batch:
            if after < (oldest := self._oldest(db)):
                raise Compacted(oldest)
            rows = db.execute("SELECT revision, key, value, previous FROM log WHERE revision > ?", (after,))
            return [LogEntry(*row) for row in rows]

        # Subscribing where the answer is delivered leaves no gap: deliveries are in the order of the thread's work.
        queue = await self._ask(read, deliver=self._feed.subscribe)
        async for batch in self._feed.follow(queue):
            yield batch

    def _submit(self, key: str, value: bytes | None, expected: int) -> asyncio.Future[int]:
        done: asyncio.Future[int] = self._loop.create_future()
        done.add_done_callback(_look)
        if self._thread is None:
            done.set_exception(StorageError("the store is closed"))
        else:
            self._jobs.put(_Write(key, value, expected, done))
        return done

    async def _ask(self, work: Callable[[sqlite3.Connection], Any], **options: Any) -> Any:
        if self._thread is None:
            raise StorageError("the store is closed")
        done: asyncio.Future[Any] = self._loop.create_future()
        self._jobs.put(_Read(work, done, **options))
        return await done

    # From here on: the thread.

    def _run(self, ready: asyncio.Future[None]) -> None:
        try:
            db = self._connect()
        except (sqlite3.Error, OSError, StorageError) as error:
            self._loop.call_soon_threadsafe(_fail, ready, StorageError(f"cannot open {self._path}: {error}"))
            return
        self._loop.call_soon_threadsafe(_succeed, ready, None)
        serving = True
        while serving:
            jobs = self._gather()
            serving = jobs[-1] is not None
            for kind, group in groupby(jobs, type):
                if kind is _Write:
                    self._commit(db, cast(list[_Write], list(group)))
                elif kind is _Read:
                    for job in cast(Iterator[_Read], group):
                        self._answer(db, job)
        db.close()

    def _gather(self) -> list[_Write | _Read | None]:
        """Wait for a job; return it with whatever else waits, up to a transaction's worth or to the closing None."""
        jobs = [self._jobs.get()]
        while jobs[-1] is not None and len(jobs) < LARGEST_BATCH:
            try:
                jobs.append(self._jobs.get_nowait())
            except queue.Empty:
                break
        return jobs

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=self._busy_seconds, isolation_level=None)
        db.execute("PRAGMA locking_mode=EXCLUSIVE")
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA journal_size_limit=16777216")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            db.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")
        elif version != SCHEMA_VERSION:
            raise StorageError(f"schema version {version}, this program writes {SCHEMA_VERSION}")
        (self._revision,) = db.execute("SELECT coalesce(max(revision), 0) FROM log").fetchone()
        return db

    def _commit(self, db: sqlite3.Connection, writes: list[_Write]) -> None:
        before = self._revision
        try:
            db.execute("BEGIN IMMEDIATE")
            batch = [entry for write in writes if (entry := self._apply(db, write)) is not None]
            db.execute("DELETE FROM log WHERE revision <= ?", (self._revision - self._log_length,))
            db.execute("COMMIT")
        except sqlite3.Error as error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            self._revision = before
            batch = []
            for write in writes:
                write.outcome = StorageError(f"cannot write to {self._path}: {error}")
        self._loop.call_soon_threadsafe(self._deliver, writes, batch)

    def _apply(self, db: sqlite3.Connection, write: _Write) -> LogEntry | None:
        row = db.execute("SELECT revision, value FROM entries WHERE key = ?", (write.key,)).fetchone()
        current, previous = row or (0, None)
        if current != write.expected or (write.value is None and row is None):
            write.outcome = Stale(write.key, current)
            return None
        self._revision = write.outcome = self._revision + 1
        entry = LogEntry(self._revision, write.key, write.value, previous)
        if write.value is None:
            db.execute("DELETE FROM entries WHERE key = ?", (write.key,))
        else:
            db.execute("REPLACE INTO entries VALUES (?, ?, ?)", (write.key, write.value, self._revision))
        db.execute("INSERT INTO log VALUES (?, ?, ?, ?)", entry)
        return entry

    def _oldest(self, db: sqlite3.Connection) -> int:
        (first,) = db.execute("SELECT min(revision) FROM log").fetchone()
        return self._revision if first is None else first - 1

    def _answer(self, db: sqlite3.Connection, job: _Read) -> None:
        try:
            result = job.work(db)
        except StorageError as error:
            self._loop.call_soon_threadsafe(_fail, job.done, error)
        except sqlite3.Error as error:
            self._loop.call_soon_threadsafe(_fail, job.done, StorageError(f"cannot read {self._path}: {error}"))
        else:
            self._loop.call_soon_threadsafe(lambda: _succeed(job.done, job.deliver(result)))

    # Back in the event loop.

    def _deliver(self, writes: list[_Write], batch: list[LogEntry]) -> None:
        if batch:
            self._feed.publish(batch)
        for write in writes:
            if isinstance(write.outcome, StorageError):
                _fail(write.done, write.outcome)
            else:
                _succeed(write.done, write.outcome)


def _succeed(future: asyncio.Future[Any], result: Any) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: StorageError) -> None:
    if not future.done():
        future.set_exception(error)


def _look(future: asyncio.Future[int]) -> None:
    """Take note of an abandoned write's failure, which is nobody's concern."""
    if not future.cancelled():
        future.exception()
