"""What the durable store adds to the contract: it survives, and it stays small."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.apiserver.storage.writing import delete, put
from wherry.apiserver.storage.interface import Entry, StorageError
from wherry.apiserver.storage.sqlite.file import LOG_BYTES
from wherry.apiserver.storage.sqlite.store import SqliteStorage

WRITER = """
import asyncio, sys
from pathlib import Path
from wherry.apiserver.storage.interface import Write
from wherry.apiserver.storage.sqlite.store import SqliteStorage

async def write(store, worker):
    n = 0
    while True:
        key = f"/{worker}/{n}"
        revision = await store.commit([Write(key, key.encode(), 0)])
        sys.stdout.write(f"{revision} {key}\\n")
        sys.stdout.flush()
        n += 1

async def main():
    store = SqliteStorage(Path(sys.argv[1]))
    await store.open()
    await asyncio.gather(*(write(store, worker) for worker in range(8)))

asyncio.run(main())
"""


def test_kill_9_loses_no_acknowledged_write(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", WRITER, tmp_path / "db"], stdout=subprocess.PIPE)
    assert child.stdout
    acknowledged = [child.stdout.readline() for _ in range(300)]
    os.kill(child.pid, signal.SIGKILL)
    acknowledged += child.stdout.read().splitlines(keepends=True)
    child.stdout.close()
    child.wait()
    expected = {}
    for line in acknowledged:
        if line.endswith(b"\n"):
            revision, key = line.decode().split()
            expected[key] = int(revision)

    async def read() -> list[Entry]:
        store = SqliteStorage(tmp_path / "db")
        await store.open()
        entries = (await store.range()).entries
        await store.close()
        return list(entries)

    found = {entry.key: entry.revision for entry in asyncio.run(read())}
    assert len(expected) >= 300
    assert expected.items() <= found.items()


async def test_revisions_go_on_after_reopening(tmp_path: Path) -> None:
    store = SqliteStorage(tmp_path / "db")
    await store.open()
    await put(store, "/a", b"1", 0)
    await delete(store, "/a", 1)
    await store.close()
    store = SqliteStorage(tmp_path / "db")
    await store.open()
    assert await put(store, "/b", b"2", 0) == 3
    assert [e.revision for e in await anext(store.watch(0))] == [1, 2, 3]
    await store.close()


async def test_rewriting_one_key_does_not_grow_the_file(tmp_path: Path) -> None:
    """Lease renewals are most of a cluster's writes (kine#213)."""
    store = SqliteStorage(tmp_path / "db", log_length=50)
    await store.open()
    revision = 0
    for _ in range(400):
        revision = await put(store, "/leases/n", os.urandom(1000), revision)
    await store.close()
    assert sum(p.stat().st_size for p in tmp_path.iterdir()) < 400_000


async def test_a_second_server_on_one_file_is_refused(tmp_path: Path) -> None:
    first = SqliteStorage(tmp_path / "db")
    await first.open()
    await put(first, "/a", b"1", 0)
    second = SqliteStorage(tmp_path / "db", busy_seconds=0)
    with pytest.raises(StorageError, match="locked"):
        await second.open()
    await first.close()


async def test_bytes_changed_on_the_disk_are_noticed(tmp_path: Path) -> None:
    store = SqliteStorage(tmp_path / "db")
    await store.open()
    await put(store, "/a", b"the value of a", 0)
    await put(store, "/b", b"the value of b", 0)
    await store.close()
    content = (tmp_path / "db").read_bytes()
    assert content.count(b"the value of a") == 1  # the log does not have it a second time
    (tmp_path / "db").write_bytes(content.replace(b"the value of a", b"the velue of a"))
    store = SqliteStorage(tmp_path / "db")
    await store.open()
    entries = (await store.range()).entries
    assert entries == [Entry("/a", b"the velue of a", 1, intact=False), Entry("/b", b"the value of b", 2)]
    await store.close()


async def test_the_log_is_bounded_by_bytes_too_and_the_file_shrinks(tmp_path: Path) -> None:
    store = SqliteStorage(tmp_path / "db")
    await store.open()
    keys = [f"/{n}" for n in range(600)]
    revisions = await asyncio.gather(*(put(store, key, os.urandom(20_000), 0) for key in keys))
    largest = (tmp_path / "db").stat().st_size
    await asyncio.gather(*(delete(store, key, revision) for key, revision in zip(keys, revisions, strict=True)))
    revision = 0
    for _ in range(30):  # a little at a time
        revision = await put(store, "/lease", b"", revision)
    assert sum(len(entry.previous or b"") for entry in await anext(store.watch(await store.oldest()))) <= LOG_BYTES
    await store.close()
    assert largest > 8_000_000
    assert (tmp_path / "db").stat().st_size < largest * 0.75
