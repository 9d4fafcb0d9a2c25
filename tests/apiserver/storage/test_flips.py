"""One flipped byte anywhere in a store's files: what is served is what was written, or it is known not to be."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from tests.apiserver.storage.test_problems import killed
from tests.apiserver.storage.writing import delete, put
from wherry.apiserver.storage.interface import Compacted, StorageError
from wherry.apiserver.storage.sqlite import salvage
from wherry.apiserver.storage.sqlite.store import SqliteStorage

__all__ = ["killed"]  # a fixture

SAMPLES = 70


@pytest.fixture
async def file(tmp_path: Path) -> tuple[Path, dict[str, bytes]]:
    """A closed store of small and large entries, some written over and some deleted; and what it holds."""
    path, wanted = tmp_path / "db", {}
    store = SqliteStorage(path)
    await store.open()
    for n in range(60):
        key, value = f"/core/pods/demo/{n:03}", f"value of {n} ".encode() * (1 + 400 * (n % 10 == 0))
        revision = await put(store, key, b"before", 0)
        if n % 7 == 0:
            await delete(store, key, revision)
        else:
            await put(store, key, value, revision)
            wanted[key] = value
    await store.close()
    return path, wanted


async def seen(path: Path) -> dict[str, bytes] | None:
    """Return the entries a store gives as intact; None when it says that it cannot be used, which is one line."""
    store = SqliteStorage(path, busy_seconds=0.2)
    try:
        await store.open()
        entries = (await store.range(limit=1000)).entries
        with suppress(Compacted, TimeoutError):  # a log that was forgotten has nothing to tell
            async with asyncio.timeout(0.05):
                await anext(store.watch(await store.oldest()))
        return {entry.key: entry.value for entry in entries if entry.intact}
    except StorageError as error:
        told = str(error)
        return None if str(path) in told and "\n" not in told else {"told": told.encode()}
    finally:
        await store.close()


async def flipped_everywhere(path: Path, flipped: Path, wanted: dict[str, bytes], scratch: Path) -> tuple[int, int]:
    """Flip a byte at each of `SAMPLES` places of the file `flipped`; return how often it was refused, and unnoticed."""
    size, refused, unnoticed = flipped.stat().st_size, 0, 0
    for i in range(SAMPLES):
        # The first pages byte by byte, as headers are there, and the rest in even steps, off any alignment.
        at = i * 3 if i < SAMPLES // 3 else (i * 2_654_435_761) % size
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(path.parent, scratch)
        content = bytearray((scratch / flipped.name).read_bytes())
        content[at % size] ^= 1 << (i % 8)
        (scratch / flipped.name).write_bytes(content)
        found = await seen(scratch / path.name)
        if found is None:
            refused += 1
            found = await rescued(scratch / path.name)
        assert found.items() <= wanted.items(), at
        unnoticed += found == wanted
    return refused, unnoticed


async def rescued(path: Path) -> dict[str, bytes]:
    """Return what salvaging keeps, which opens again."""
    salvage.salvage(path, path.parent / "old")
    found = await seen(path)
    assert found is not None
    return found


async def test_a_flip_in_the_file_never_changes_what_is_served(
    file: tuple[Path, dict[str, bytes]], tmp_path: Path
) -> None:
    path, wanted = file
    refused, unharmed = await flipped_everywhere(path, path, wanted, tmp_path.with_name("scratch"))
    assert refused < SAMPLES
    assert 0 < unharmed < SAMPLES  # unused room, a checksum's own bytes: there both kinds are


async def test_a_flip_in_the_log_of_a_killed_store_never_changes_what_is_served(killed: Path, tmp_path: Path) -> None:
    wanted = {f"/{n}": b"x" * 1000 for n in range(40)}
    log = killed.with_name(f"{killed.name}-wal")
    refused, _ = await flipped_everywhere(killed, log, wanted, tmp_path.with_name("scratch"))
    assert refused  # acknowledged writes are lost then, and that is noticed


async def test_a_flip_in_the_mark_is_noticed_or_does_no_harm(
    file: tuple[Path, dict[str, bytes]], tmp_path: Path
) -> None:
    path, wanted = file
    mark = path.with_name(f"{path.name}-mark")
    await flipped_everywhere(path, mark, wanted, tmp_path.with_name("scratch"))
