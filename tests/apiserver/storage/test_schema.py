"""Files of older versions become files of this one; files of later ones are left alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.apiserver.storage.writing import put
from wherry.apiserver.storage.interface import Compacted, Entry, LogEntry, StorageError
from wherry.apiserver.storage.sqlite import schema
from wherry.apiserver.storage.sqlite.store import SqliteStorage

VERSION_1 = """
PRAGMA journal_mode=WAL;
CREATE TABLE entries (key TEXT PRIMARY KEY, value BLOB NOT NULL, revision INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE log (revision INTEGER PRIMARY KEY, key TEXT NOT NULL, value BLOB, previous BLOB);
PRAGMA user_version=1;
"""
"""What version 1 made of an empty file, word for word."""


def old_file(path: Path) -> None:
    """Write the file that version 1 leaves after six writes, of which its log has forgotten the first two."""
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript(VERSION_1)
    db.executemany("INSERT INTO entries VALUES (?, ?, ?)", [("/a", b"a3", 5), ("/c", b"c1", 4)])
    log = [(3, "/a", b"a2", b"a1"), (4, "/c", b"c1", None), (5, "/a", b"a3", b"a2"), (6, "/b", None, b"b1")]
    db.executemany("INSERT INTO log VALUES (?, ?, ?, ?)", log)
    db.close()


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


async def test_a_file_of_version_1_keeps_its_entries_its_log_and_its_revision(tmp_path: Path) -> None:
    old_file(tmp_path / "db")
    for _ in range(2):  # and once it is of this version, nothing is done to it
        store = SqliteStorage(tmp_path / "db")
        await store.open()
        assert await store.range() == ([Entry("/a", b"a3", 5), Entry("/c", b"c1", 4)], 6, False)
        assert await anext(store.watch(2)) == [
            LogEntry(3, "/a", b"a2", b"a1"),
            LogEntry(4, "/c", b"c1", None),
            LogEntry(5, "/a", b"a3", b"a2"),
            LogEntry(6, "/b", None, b"b1"),
        ]
        with pytest.raises(Compacted):
            await anext(store.watch(1))
        await store.close()
    store = SqliteStorage(tmp_path / "db")
    await store.open()
    assert await put(store, "/b", b"b2", 0) == 7
    await store.close()


async def test_an_empty_file_of_version_1_begins_at_revision_0(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "db", isolation_level=None)
    db.executescript(VERSION_1)
    db.close()
    store = SqliteStorage(tmp_path / "db")
    await store.open()
    assert await store.range() == ([], 0, False)
    await store.close()


async def test_a_migration_that_fails_leaves_the_file_of_version_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_file(tmp_path / "db")
    before = dump(tmp_path / "db")
    monkeypatch.setitem(schema._STEPS, 1, f"{schema._FROM_1} SELECT no_such_function();")
    with pytest.raises(StorageError, match="no_such_function"):
        await SqliteStorage(tmp_path / "db").open()
    assert dump(tmp_path / "db") == before


async def test_a_file_of_a_later_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "db")) as db:
        db.execute(f"PRAGMA user_version={schema.VERSION + 1}")
    with pytest.raises(StorageError, match=f"/db has schema version {schema.VERSION + 1}"):
        await SqliteStorage(tmp_path / "db").open()
    with closing(sqlite3.connect(tmp_path / "db")) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (schema.VERSION + 1,)
