"""What is wrong with a store's file is said when it is opened, in one line that names the file."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.apiserver.storage.writing import put
from wherry.apiserver.storage.interface import Damaged, StorageError
from wherry.apiserver.storage.sqlite import problems
from wherry.apiserver.storage.sqlite.mark import Mark
from wherry.apiserver.storage.sqlite.store import SqliteStorage

WRITER = """
import asyncio, sys
from pathlib import Path
from wherry.apiserver.storage.interface import Write
from wherry.apiserver.storage.sqlite.store import SqliteStorage

async def main():
    store = SqliteStorage(Path(sys.argv[1]))
    await store.open()
    for n in range(40):
        await store.commit([Write(f"/{n}", b"x" * 1000, 0)])
    print("done", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    """A store with a hundred entries, closed."""
    store = SqliteStorage(tmp_path / "db")
    await store.open()
    for n in range(100):
        await put(store, f"/{n}", b"x" * 1000, 0)
    await store.close()
    return tmp_path / "db"


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A store whose process was killed after forty writes, all of them still in the write-ahead log."""
    child = subprocess.Popen([sys.executable, "-c", WRITER, tmp_path / "db"], stdout=subprocess.PIPE)
    assert child.stdout
    assert child.stdout.readline() == b"done\n"
    os.kill(child.pid, signal.SIGKILL)
    child.stdout.close()
    child.wait()
    return tmp_path / "db"


async def refusal(path: Path) -> StorageError:
    """Return the error of opening and reading the store."""
    store = SqliteStorage(path, busy_seconds=0)
    with pytest.raises(StorageError) as caught:  # noqa: PT012 - whichever of the two comes to it first
        await store.open()
        page = await store.range()
        while page.more:
            page = await store.range(after=page.entries[-1].key)
    await store.close()
    assert "\n" not in str(caught.value)
    return caught.value


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def middle(path: Path) -> None:
    """Overwrite the middle of the file, pages of the tree included."""
    with path.open("r+b") as file:
        file.seek(20 * 4096)
        file.write(os.urandom(60 * 4096))


def only_wal(path: Path) -> None:
    path.unlink()
    problems.wal(path).write_bytes(b"x" * 1000)


def foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE songs (title TEXT)")


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (
        lambda p: shutil.rmtree(p.parent),
        "{parent}, where the cluster's objects are to be kept, is no fold",
    ),
    "a folder": (folder, "{path} is a folder, and should be the file of the cluster's objects: move it away"),
    "zero length": (lambda p: p.write_bytes(b""), "{path} is empty: what it held is gone"),
    "garbage": (lambda p: p.write_bytes(os.urandom(99_999)), "{path} is damaged (file is not a database)"),
    "a short text": (lambda p: p.write_text("hello"), "{path} is damaged (file is not a database)"),
    "truncated": (lambda p: os.truncate(p, 40_960), "{path} is damaged (truncated: 40960 bytes are there of "),
    "cut within its first page": (lambda p: os.truncate(p, 1000), "{path} is damaged ("),
    "overwritten in the middle": (middle, "{path} is damaged (database disk image is malformed)"),
    "only its log": (only_wal, "{path} is missing, though db-wal beside it holds changes to it"),
    "a log that is a folder": (lambda p: problems.wal(p).mkdir(), "{wal} is a folder, and should be a file"),
    "somebody else's": (foreign, "{path} is an SQLite file, but no store of ours"),
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_store_that_cannot_be_used_says_why_in_one_line(file: Path, damage: str) -> None:
    spoil, message = DAMAGES[damage]
    spoil(file)
    error = await refusal(file)
    assert message.format(path=file, parent=file.parent, wal=problems.wal(file)) in str(error)


@pytest.mark.parametrize("damage", ["zero length", "garbage", "truncated", "overwritten in the middle", "only its log"])
async def test_what_is_damaged_is_told_from_what_is_out_of_place(file: Path, damage: str) -> None:
    DAMAGES[damage][0](file)
    assert isinstance(await refusal(file), Damaged)


async def test_a_refused_store_is_left_as_it_was(file: Path) -> None:
    os.truncate(file, 40_960)
    before = {p.name: p.read_bytes() for p in file.parent.iterdir()}
    await refusal(file)
    assert {p.name: p.read_bytes() for p in file.parent.iterdir()} == before


async def test_a_store_whose_process_was_killed_has_everything(killed: Path) -> None:
    assert problems.wal(killed).stat().st_size > 40_000
    store = SqliteStorage(killed)
    await store.open()
    assert len((await store.range()).entries) == 40
    await store.close()


LOG_DAMAGES: dict[str, Callable[[Path], object]] = {
    "missing": lambda wal: wal.unlink(),
    "empty": lambda wal: os.truncate(wal, 0),
    "truncated": lambda wal: os.truncate(wal, wal.stat().st_size // 2),
    "damaged": lambda wal: wal.write_bytes(wal.read_bytes()[:40_000] + b"?" + wal.read_bytes()[40_001:]),
}


@pytest.mark.parametrize("damage", LOG_DAMAGES)
async def test_a_write_ahead_log_that_lost_acknowledged_writes_is_noticed(killed: Path, damage: str) -> None:
    LOG_DAMAGES[damage](problems.wal(killed))
    before = problems.wal(killed).read_bytes() if problems.wal(killed).exists() else b""
    for _ in range(2):  # the second look finds what the first did: it took nothing away
        error = await refusal(killed)
    assert (problems.wal(killed).read_bytes() if before else b"") == before
    assert isinstance(error, Damaged)
    assert "has lost its newest changes: it ends at revision" in str(error)
    assert "and 40 was acknowledged" in str(error)


async def test_an_older_copy_is_taken_once_the_mark_is_removed(killed: Path) -> None:
    problems.wal(killed).unlink()
    await refusal(killed)
    Mark.of(killed).unlink()
    store = SqliteStorage(killed)
    await store.open()
    await store.close()


async def test_a_first_start_that_was_killed_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "db.new").write_bytes(b"half of a st")
    store = SqliteStorage(tmp_path / "db")
    await store.open()
    assert await put(store, "/a", b"", 0) == 1
    await store.close()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["db", "db-mark"]
