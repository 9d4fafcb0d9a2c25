"""The durable store of the embedded cluster: one SQLite file, one writer thread, group commit.

Lessons of kine and k3s (k3s#11269, k3s#3660, k3s#13720, kine#213): a single append-only table stalls when it is
compacted and grows without bound under Lease renewals, and several writers meet "database is locked". So here:

- current entries live apart from a log that every transaction trims to a fixed length, a few rows at a time;
- one thread owns the only connection, so no lock is ever contended and no reader can hold the WAL open;
- what is submitted while a transaction is being synced goes into the next one: under load many commits share one fsync.

A commit is acknowledged after its transaction has ended with `synchronous=FULL` in WAL mode, which is durable against
the death of the process and, on a disk that honours fsync, of the machine.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar, cast

from wherry.apiserver.storage import interface
from wherry.apiserver.storage.feed import Feed
from wherry.apiserver.storage.interface import PAGE_LENGTH, LogEntry, Page, Stale, StorageError, Write
from wherry.apiserver.storage.sqlite.file import Outcome, SqliteFile

LOG_LENGTH = 8192
LARGEST_BATCH = 512
PROBE_SECONDS = 1.0
"""How often it is looked whether commits that failed would succeed again."""

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(slots=True, frozen=True)
class _Committing:
    """A commit under way."""

    writes: Sequence[Write]
    done: asyncio.Future[int]


@dataclass(slots=True, frozen=True)
class _Asking:
    """Anything else: `work` runs in the thread, `deliver` makes the answer of its result in the event loop."""

    work: Callable[[SqliteFile], Any]
    deliver: Callable[[Any], Any]
    done: asyncio.Future[Any]


_Job = _Committing | _Asking | None
"""None closes the store."""


class SqliteStorage:
    """A `Storage` in the file `path` (created when missing).

    `log_length` bounds how far back a watch may start; `busy_seconds` is how long `open` waits for another process to
    let go of the file.
    """

    shared = False

    def __init__(self, path: Path, log_length: int = LOG_LENGTH, busy_seconds: float = 5.0):
        self._path = path
        self._log_length = log_length
        self._busy_seconds = busy_seconds
        self._feed = Feed()
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._problem: str | None = None
        self._loop: asyncio.AbstractEventLoop

    async def open(self) -> None:
        """Open or create the file; raises `StorageError` when that fails."""
        self._loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="storage", daemon=True)
        self._thread.start()
        await ready

    async def close(self) -> None:
        """Finish submitted commits, end watches and close the file."""
        if self._thread is not None:
            thread, self._thread = self._thread, None
            self._jobs.put(None)
            await asyncio.to_thread(thread.join)
            await asyncio.sleep(0)  # what the thread delivered last
            self._feed.close()

    @property
    def problem(self) -> str | None:
        """Why commits fail at present, if they do."""
        return self._problem

    async def check(self) -> None:
        """Look at every page of the file; raises `Damaged`."""
        await self._ask(SqliteFile.check)

    async def range(self, prefix: str = "", *, after: str = "", limit: int = PAGE_LENGTH) -> Page:
        """Return the first `limit` entries whose key starts with `prefix` and is greater than `after`."""
        return await self._ask(lambda file: file.range(prefix, after, limit))

    async def revision(self) -> int:
        """Return that of the last commit."""
        return await self._ask(lambda file: file.revision)

    def commit(self, writes: Sequence[Write]) -> Awaitable[int]:
        """Do all of `writes` or none, and return the one revision they get."""
        interface.check(writes)
        done: asyncio.Future[int] = self._loop.create_future()
        done.add_done_callback(_look)
        if self._thread is None:
            done.set_exception(StorageError("the store is closed"))
        else:
            self._jobs.put(_Committing(writes, done))
        return done

    async def oldest(self) -> int:
        """Return the smallest `after` that `watch` still serves."""
        return await self._ask(SqliteFile.oldest)

    async def outdated(self, key: str) -> bool:
        """Nothing would: values are kept as they are."""
        return False

    async def watch(self, after: int) -> AsyncIterator[Sequence[LogEntry]]:
        """Yield what every commit of a revision greater than `after` did, in order."""
        # Subscribing where the answer is delivered leaves no gap: deliveries are in the order of the thread's work.
        subscription = await self._ask(lambda file: file.log(after), self._feed.subscribe)
        async for batch in self._feed.follow(subscription):
            yield batch

    async def _ask(self, work: Callable[[SqliteFile], Any], deliver: Callable[[Any], T] = lambda result: result) -> T:
        if self._thread is None:
            raise StorageError("the store is closed")
        done: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put(_Asking(work, deliver, done))
        return await done

    # The thread

    def _run(self, ready: asyncio.Future[None]) -> None:
        try:
            file = SqliteFile(self._path, self._log_length, self._busy_seconds)
        except StorageError as error:
            self._loop.call_soon_threadsafe(_settle, ready, error)
            return
        self._loop.call_soon_threadsafe(_settle, ready, None)
        serving = True
        while serving:
            jobs = self._gather()
            if not jobs:
                self._judge(file.probe())
                continue
            serving = jobs[-1] is not None
            for kind, group in groupby(jobs, type):
                if kind is _Committing:
                    self._commit(file, cast(list[_Committing], list(group)))
                elif kind is _Asking:
                    self._answer(file, cast(Iterator[_Asking], group))
        file.close()

    def _gather(self) -> list[_Job]:
        """Wait for a job; return it with whatever else waits, up to a transaction's worth or to the closing None.

        While commits fail nothing may come for `PROBE_SECONDS`: then there is none.
        """
        jobs: list[_Job] = []
        with suppress(queue.Empty):
            jobs.append(self._jobs.get(timeout=PROBE_SECONDS if self._problem else None))
            while jobs[-1] is not None and len(jobs) < LARGEST_BATCH:
                jobs.append(self._jobs.get_nowait())
        return jobs

    def _judge(self, error: StorageError | None) -> None:
        """Note whether commits fail, and say when that changes."""
        problem = str(error) if error else None
        if problem and problem != self._problem:
            log.error("commits fail: %s; reads go on, and commits are tried again", problem)
        elif self._problem and not problem:
            log.info("commits succeed again")
        self._problem = problem

    def _commit(self, file: SqliteFile, jobs: list[_Committing]) -> None:
        outcomes, changes = file.commit([job.writes for job in jobs])
        failures = (o for o in outcomes if isinstance(o, StorageError) and not isinstance(o, Stale))
        self._judge(next(failures, None) or (file.probe() if self._problem else None))
        self._loop.call_soon_threadsafe(self._deliver, jobs, outcomes, changes)

    def _answer(self, file: SqliteFile, asking: Iterator[_Asking]) -> None:
        for job in asking:
            try:
                result = job.work(file)
            except StorageError as error:
                self._loop.call_soon_threadsafe(_settle, job.done, error)
            else:
                self._loop.call_soon_threadsafe(_deliver, job, result)

    # Back in the event loop

    def _deliver(self, jobs: list[_Committing], outcomes: list[Outcome], changes: list[LogEntry]) -> None:
        if changes:
            self._feed.publish(changes)
        for job, outcome in zip(jobs, outcomes, strict=True):
            _settle(job.done, outcome)


def _deliver(job: _Asking, result: Any) -> None:
    _settle(job.done, job.deliver(result))


def _settle(future: asyncio.Future[Any], outcome: Any) -> None:
    """Give a future its result or its error, unless nobody waits any more."""
    if future.done():
        return
    if isinstance(outcome, StorageError):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def _look(future: asyncio.Future[int]) -> None:
    """Take note of an abandoned commit's failure, which is nobody's concern."""
    if not future.cancelled():
        future.exception()
