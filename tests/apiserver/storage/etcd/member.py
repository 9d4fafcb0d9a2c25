"""An etcd of the tests' own, on loopback, and stores in it that count from 0."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from tests.freeports import free_port
from wherry.apiserver.storage.etcd import address
from wherry.apiserver.storage.etcd.store import EtcdStorage
from wherry.apiserver.storage.interface import NOTHING, Entry, LogEntry, Page, Stale, Write

PROGRAM = shutil.which("etcd")
PATIENT_MARK_SECONDS = 1.0
"""Marks are commits: with these, a test that counts those is not disturbed by one."""
_numbers = count()


class Etcd:
    """One member, in a folder; `start` and `kill` as often as wanted."""

    def __init__(self, folder: Path, program: str = PROGRAM or "etcd"):
        self._folder = folder
        self._program = program
        self.url = f"http://127.0.0.1:{free_port()}"  # also between its lives
        self._peer = f"http://127.0.0.1:{free_port()}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it answers."""
        own, peers = [self.url], [self._peer]
        self._process = subprocess.Popen(
            [self._program, "--name=e", f"--data-dir={self._folder}", "--log-level=error"]
            + [f"--listen-client-urls={u}" for u in own]
            + [f"--advertise-client-urls={u}" for u in own]
            + [f"--listen-peer-urls={u}" for u in peers]
            + [f"--initial-advertise-peer-urls={u}" for u in peers]
            + [f"--initial-cluster=e={self._peer}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        host, port = self.url.removeprefix("http://").split(":")
        for _ in range(1200):
            with socket.socket() as probe:
                if probe.connect_ex((host, int(port))) == 0:
                    return
            assert self._process.poll() is None, "etcd ended"
            time.sleep(0.05)
        raise AssertionError("etcd does not listen")

    def kill(self) -> None:
        """Kill it, as a machine that fails does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def running(folder: Path) -> Iterator[Etcd]:
    """A running etcd, gone afterwards; skips the test where there is none."""
    if PROGRAM is None:
        pytest.skip("etcd is not installed (Debian's etcd-server)")
    etcd = Etcd(folder)
    etcd.start()
    try:
        yield etcd
    finally:
        etcd.kill()


def store(etcd: Etcd) -> EtcdStorage:
    """Return a store under a prefix of its own."""
    return EtcdStorage(address.parse(f"{etcd.url}/test/{next(_numbers)}"), mark=PATIENT_MARK_SECONDS)


class FromZero:
    """A store in etcd as if it were the only one that etcd counts."""

    shared = True

    def __init__(self, inner: EtcdStorage):
        self._inner = inner
        self._base = 0

    async def open(self) -> None:
        await self._inner.open()
        self._base = (await self._inner.range(limit=1)).revision

    async def close(self) -> None:
        await self._inner.close()

    async def revision(self) -> int:
        return await self._inner.revision() - self._base

    @property
    def problem(self) -> str | None:
        return self._inner.problem

    async def range(self, prefix: str = "", *, after: str = "", limit: int = 512) -> Page:
        page = await self._inner.range(prefix, after=after, limit=limit)
        entries = [Entry(e.key, e.value, e.revision - self._base) for e in page.entries]
        return Page(entries, page.revision - self._base, page.more)

    def commit(self, writes: Sequence[Write]) -> Awaitable[int]:
        at = [Write(key, value, expected + self._base if expected else 0) for key, value, expected in writes]
        inner = self._inner.commit(at)

        async def done() -> int:
            try:
                return await inner - self._base
            except Stale as stale:
                raise Stale(stale.key, stale.current - self._base if stale.current else 0) from stale

        return done()

    async def oldest(self) -> int:
        return max(await self._inner.oldest() - self._base, 0)

    async def watch(self, after: int) -> AsyncIterator[Sequence[LogEntry]]:
        async for batch in self._inner.watch(after + self._base):
            if told := [LogEntry(e.revision - self._base, *e[1:]) for e in batch if e.key != NOTHING]:
                yield told
