"""A new store of what can be read of a damaged one.

SQLite is asked first; what it refuses is read off the pages. Each row proves itself by its checksum. The damaged files
are copied aside before anything is changed, and nothing is taken from them.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from wherry.apiserver.storage.interface import StorageError
from wherry.apiserver.storage.sqlite import problems, schema
from wherry.apiserver.storage.sqlite.keeping import kept_log
from wherry.apiserver.storage.sqlite.mark import Mark, acknowledged
from wherry.apiserver.storage.sqlite.pages import Pages
from wherry.apiserver.storage.sqlite.schema import checksum

LEAP = 1000
"""How far the new store's revision is ahead of all that was read: nobody may have seen it before."""


class Found(NamedTuple):
    """A row of `entries`; `total` is the checksum it was stored with."""

    key: str
    value: bytes
    revision: int
    total: int

    @property
    def intact(self) -> bool:
        """Whether it is as it was written."""
        return checksum(self.key, self.value) == self.total


class Salvaged(NamedTuple):
    """How many entries the new store has, how many of those are `damaged`, and where the old files are."""

    entries: int
    damaged: int
    folder: Path


def salvage(path: Path, folder: Path) -> Salvaged:
    """Replace the store at `path`, which nobody uses, by one of all that can be read; keep the old files in `folder`.

    Raises StorageError when there is no file, OSError when there is no room. Killed anywhere, it can be run again.
    """
    if not path.is_file() and not problems.wal(path).is_file():
        raise StorageError(f"{path} is not there, or no file: nothing can be read from it")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = kept_log(path)
    for file, name in ((path, path.name), (log, problems.wal(path).name), (Mark.of(path), Mark.of(path).name)):
        if file.is_file():
            shutil.copy2(file, folder / name)
    found, newest = _read(folder / path.name)
    new = path.with_name(path.name + ".new")
    _build(new, found.values(), max(newest, acknowledged(path)) + LEAP)
    for leftover in {log, problems.wal(path)}:
        leftover.unlink(missing_ok=True)
    new.replace(path)
    return Salvaged(len(found), sum(not entry.intact for entry in found.values()), folder)


def promises(path: Path) -> bool:
    """Return whether any object can be read of the store at `path`; the files stay as they are."""
    return (path.is_file() or problems.wal(path).is_file()) and bool(_read(path)[0])


def _read(path: Path) -> tuple[dict[str, Found], int]:
    """Return what can be read of a store's files, by key, and the newest revision seen; the files stay as they are."""
    asked: dict[str, Found] = {}
    with suppress(sqlite3.Error, StorageError), tempfile.TemporaryDirectory(dir=path.parent) as work:
        copy = Path(work) / path.name
        for file, to in ((path, copy), (problems.wal(path), problems.wal(copy))):
            if file.is_file():
                shutil.copyfile(file, to)
        asked, newest = _ask(copy)
        if newest >= acknowledged(path):
            return asked, newest
    dug, logged = _dig(Pages(path, problems.wal(path)))
    dug |= {k: e for k, e in asked.items() if k not in dug and e.revision >= logged.get(k, 0)}
    return dug, max([0, *logged.values(), *(entry.revision for entry in dug.values())])


def _ask(copy: Path) -> tuple[dict[str, Found], int]:
    """Read a store through SQLite."""
    if not copy.is_file() or not copy.stat().st_size:
        raise StorageError("SQLite would take it for a new one")
    with closing(sqlite3.connect(copy, isolation_level=None)) as db:
        schema.prepare(db, copy)
        found = {row[0]: Found(*row) for row in db.execute("SELECT key, value, revision, checksum FROM entries")}
        (newest,) = db.execute("SELECT coalesce(max(revision), 0) FROM head").fetchone()
    return found, newest


def _dig(pages: Pages) -> tuple[dict[str, Found], dict[str, int]]:
    """Read a store off its pages: of each key the newest row that is intact, else the newest; and the log's revisions.

    Without knowing which pages are free, rows of long ago turn up: those that the log says were written over go.
    """
    free = pages.free()
    found: dict[str, Found] = {}
    logged: dict[str, int] = {}
    for row in pages.rows(free or set()):
        match row:
            case [str(key), bytes(value), int(revision), int(total)]:
                entry = Found(key, value, revision, total)
                known = found.get(key)
                if known is None or (entry.intact, revision) > (known.intact, known.revision):
                    found[key] = entry
            case [None, int(revision), str(key), _, int(_)]:
                logged[key] = max(logged.get(key, 0), revision)
            case _:
                continue
    if free is None:
        found = {key: entry for key, entry in found.items() if entry.revision >= logged.get(key, 0)}
    return found, logged


def _build(path: Path, entries: Iterable[Found], revision: int) -> None:
    """Make a store of `entries`, with their checksums as they are, whose last revision is `revision`."""
    schema.create(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN")
        db.executemany("INSERT INTO entries VALUES (?, ?, ?, ?)", entries)
        db.execute("UPDATE head SET revision = ?", (revision,))
        db.execute("COMMIT")
