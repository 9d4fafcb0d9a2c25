"""What can be read of a damaged store is kept, and the damaged files too."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.apiserver.storage.test_problems import LOG_DAMAGES, killed
from tests.apiserver.storage.test_schema import old_file
from tests.apiserver.storage.writing import delete, put
from wherry.apiserver.storage.interface import Entry, StorageError
from wherry.apiserver.storage.sqlite import problems
from wherry.apiserver.storage.sqlite.pages import Pages
from wherry.apiserver.storage.sqlite.salvage import LEAP, Salvaged, salvage
from wherry.apiserver.storage.sqlite.store import SqliteStorage

__all__ = ["killed"]  # a fixture


def value(name: str) -> bytes:
    """Return a value of between 100 and 20,000 bytes, so that some go on in overflow pages."""
    rng = random.Random(name)
    return name.encode() * rng.choice([20, 300, 4000])


NAMES = [f"/core/pods/demo/{n:05}" for n in range(200)]


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    """A store of two hundred entries; forty others were written and removed, twenty written over."""
    store = SqliteStorage(tmp_path / "db", log_length=20)
    await store.open()
    for n in range(40):
        revision = await put(store, f"/gone/{n}", value(f"/gone/{n}"), 0)
        await delete(store, f"/gone/{n}", revision)
    for name in NAMES:
        revision = await put(store, name, value(name), 0)
        if name.endswith("7"):
            await put(store, name, value(name), revision)
    await store.close()
    return tmp_path / "db"


async def entries(path: Path) -> list[Entry]:
    """Return all entries of a store, and check that it takes writes."""
    store = SqliteStorage(path)
    await store.open()
    found: list[Entry] = []
    page = await store.range()
    found += page.entries
    while page.more:
        page = await store.range(after=page.entries[-1].key)
        found += page.entries
    assert await put(store, "/one/more", b"", 0) == page.revision + 1
    await store.close()
    return found


async def trouble(path: Path) -> bool:
    """Tell whether a store cannot be opened, or has values that are not those that were written."""
    store = SqliteStorage(path)
    try:
        await store.open()
        return not all(entry.intact for entry in (await store.range(limit=1000)).entries)
    except StorageError:
        return True
    finally:
        await store.close()


def rescue(file: Path) -> Salvaged:
    return salvage(file, file.parent / "aside")


async def test_a_good_store_is_kept_whole_and_its_revision_leaps(file: Path) -> None:
    salvaged = rescue(file)
    found = await entries(file)
    assert [(e.key, e.value, e.intact) for e in found] == [(n, value(n), True) for n in NAMES]
    assert salvaged == Salvaged(200, 0, file.parent / "aside")
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("SELECT revision FROM head").fetchone()[0] == 300 + LEAP + 1


def test_rows_off_the_pages_are_those_sqlite_reads(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        wanted = {row[0]: row for row in db.execute("SELECT key, value, revision, checksum FROM entries")}
    pages = Pages(file, problems.wal(file))
    free = pages.free()
    assert free
    found = {str(row[0]): tuple(row) for row in pages.rows(free) if len(row) == 4}
    assert found == wanted


def overwrite(start: int, length: int) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        with path.open("r+b") as file:
            file.seek(start)
            file.write(random.Random(start).randbytes(length))

    return spoil


DAMAGES: dict[str, tuple[Callable[[Path], object], int]] = {
    "its first page is garbage": (overwrite(0, 4096), 198),
    "a tree page is garbage": (overwrite(2 * 4096, 4096), 190),
    "ten pages are garbage": (overwrite(100 * 4096, 10 * 4096), 180),
    "half of it is missing": (lambda p: os.truncate(p, p.stat().st_size // 2), 50),
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_what_is_readable_of_a_damaged_file_is_kept_and_nothing_deleted_comes_back(
    file: Path, damage: str
) -> None:
    spoil, least = DAMAGES[damage]
    spoil(file)
    spoilt = file.read_bytes()
    assert await trouble(file)
    salvaged = rescue(file)
    found = await entries(file)
    assert {(e.key, e.value) for e in found if e.intact} <= {(n, value(n)) for n in NAMES}
    assert least <= salvaged.entries <= 200
    assert len(found) == salvaged.entries
    assert (file.parent / "aside" / "db").read_bytes() == spoilt


async def test_an_empty_file_and_garbage_give_an_empty_store(tmp_path: Path) -> None:
    for content in (b"", os.urandom(100_000), b"hello"):
        (tmp_path / "db").write_bytes(content)
        assert rescue(tmp_path / "db").entries == 0
        assert await entries(tmp_path / "db") == []


async def test_a_file_that_is_gone_is_read_from_its_log(killed: Path) -> None:
    killed.unlink()
    assert rescue(killed).entries == 40
    assert len(await entries(killed)) == 40


@pytest.mark.parametrize(("damage", "least"), [("missing", 0), ("empty", 0), ("truncated", 15), ("damaged", 39)])
async def test_what_a_damaged_write_ahead_log_still_has_is_kept(killed: Path, damage: str, least: int) -> None:
    LOG_DAMAGES[damage](problems.wal(killed))
    salvaged = rescue(killed)
    assert least <= salvaged.entries <= 40
    assert len(await entries(killed)) == salvaged.entries


async def test_a_value_that_was_changed_is_kept_as_damaged(file: Path) -> None:
    part = value(NAMES[0])[40:100]
    content = file.read_bytes()
    assert part in content
    file.write_bytes(content.replace(part, part.replace(b"pods", b"pads"), 1))
    assert rescue(file)[:2] == (200, 1)
    assert [(e.key, e.intact) for e in await entries(file)][:2] == [(NAMES[0], False), (NAMES[1], True)]


async def test_a_file_of_version_1_is_salvaged_as_one_of_this(tmp_path: Path) -> None:
    old_file(tmp_path / "db")
    assert rescue(tmp_path / "db").entries == 2
    assert [(e.key, e.value, e.intact) for e in await entries(tmp_path / "db")] == [
        ("/a", b"a3", True),
        ("/c", b"c1", True),
    ]


def test_without_a_file_there_is_nothing_to_salvage(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="is not there, or no file"):
        rescue(tmp_path / "db")
    assert list(tmp_path.iterdir()) == []
