"""A store with encrypted values: what lies on the disk, what comes back, and what happens when keys change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.apiserver.storage.writing import put
from wherry.apiserver.state import rooms
from wherry.apiserver.storage.encryption.providers import AesGcm, Identity, Provider, SecretBox
from wherry.apiserver.storage.encryption.rules import Rule, Rules
from wherry.apiserver.storage.encryption.store import EncryptedStorage
from wherry.apiserver.storage.interface import Entry, LogEntry, StorageError
from wherry.apiserver.storage.sqlite.store import SqliteStorage

OLD, NEW, PLAIN = AesGcm("old", bytes(32)), SecretBox("new", bytes(32)), Identity()
SECRET, MAP = "/core/secrets/demo/pass", "/core/configmaps/demo/map"
WORD = b"a word that nobody may read"


@asynccontextmanager
async def opened(path: Path, *providers: Provider) -> AsyncIterator[EncryptedStorage]:
    """The store in a folder, with Secrets by these providers; no provider: without any rule."""
    rules = Rules([Rule([("core", "secrets")], providers)] if providers else ())
    store = EncryptedStorage(SqliteStorage(path / "db"), rules, rooms.of)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def on_the_disk(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.iterdir())


async def test_no_file_has_what_is_encrypted(tmp_path: Path) -> None:
    async with opened(tmp_path, OLD) as store:
        await put(store, SECRET, WORD, 0)
        await put(store, SECRET, WORD + b" either", 1)
        await put(store, MAP, b"a word that everybody may read", 0)
        assert WORD not in on_the_disk(tmp_path)
        assert (await store.range()).entries == [
            Entry(MAP, b"a word that everybody may read", 3),
            Entry(SECRET, WORD + b" either", 2),
        ]
    assert WORD not in on_the_disk(tmp_path)
    assert b"everybody" in on_the_disk(tmp_path)


async def test_watches_tell_values_as_they_were_written(tmp_path: Path) -> None:
    async with opened(tmp_path, OLD) as store:
        await put(store, SECRET, b"1", 0)
        await put(store, SECRET, b"2", 1)
        seen = [entry async for entry in _first(store, 2)]
    assert seen == [LogEntry(1, SECRET, b"1", None), LogEntry(2, SECRET, b"2", b"1")]


async def test_keys_are_turned_one_write_at_a_time(tmp_path: Path) -> None:
    async with opened(tmp_path, PLAIN, OLD) as store:
        await put(store, SECRET, WORD, 0)
        assert not await store.outdated(SECRET)
    assert WORD in on_the_disk(tmp_path)
    async with opened(tmp_path, OLD, PLAIN) as store:
        assert await store.outdated(SECRET)
        await put(store, SECRET, WORD, 1)
        assert not await store.outdated(SECRET)
        assert not await store.outdated(SECRET + "word")
        assert not await store.outdated("/core/secrets/demo/pas")
        assert not await store.outdated(MAP)
    async with opened(tmp_path, NEW, OLD) as store:
        assert (await store.range()).entries == [Entry(SECRET, WORD, 2)]
        assert await store.outdated(SECRET)
        await put(store, SECRET, WORD, 2)
    async with opened(tmp_path, NEW) as store:
        assert (await store.range()).entries == [Entry(SECRET, WORD, 3)]
    async with opened(tmp_path, PLAIN, NEW) as store:
        assert await store.outdated(SECRET)
        await put(store, SECRET, WORD, 3)
    async with opened(tmp_path) as store:
        assert (await store.range()).entries == [Entry(SECRET, WORD, 4)]
        history = [entry.value async for entry in _first(store, 4)]
    assert history[0] == history[3] == WORD
    assert [value[:15] for value in history[1:3] if value] == [b"k8s:enc:aesgcm:", b"k8s:enc:secretb"]


@pytest.mark.parametrize(
    ("providers", "why"),
    [
        ([], f"{SECRET} is encrypted by key old of aesgcm; nothing in the encryption configuration opens it"),
        ([PLAIN], f"{SECRET} is encrypted by key old of aesgcm"),
        ([NEW], f"{SECRET} is encrypted by key old of aesgcm"),
        ([AesGcm("old", bytes(31) + b"1")], f"{SECRET} is encrypted by key old of aesgcm"),
    ],
    ids=["no configuration", "identity alone", "another key", "another key of that name"],
)
async def test_a_value_whose_key_is_gone_is_an_error_and_stays(
    tmp_path: Path, providers: list[Provider], why: str
) -> None:
    async with opened(tmp_path, OLD) as store:
        await put(store, SECRET, WORD, 0)
    async with opened(tmp_path, *providers) as store:
        with pytest.raises(StorageError, match=why):
            await store.range()
    async with opened(tmp_path, OLD) as store:
        assert (await store.range()).entries == [Entry(SECRET, WORD, 1)]


async def test_two_keys_of_one_name_are_both_tried(tmp_path: Path) -> None:
    async with opened(tmp_path, OLD) as store:
        await put(store, SECRET, WORD, 0)
    async with opened(tmp_path, AesGcm("old", bytes(31) + b"1"), OLD) as store:
        assert (await store.range()).entries == [Entry(SECRET, WORD, 1)]


async def test_plain_values_are_read_where_identity_is_named_and_nowhere_else(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await put(store, SECRET, WORD, 0)
    async with opened(tmp_path, OLD) as store:
        with pytest.raises(StorageError, match="is not encrypted; the encryption configuration lacks the provider ide"):
            await store.range()
    async with opened(tmp_path, OLD, PLAIN) as store:
        assert (await store.range()).entries == [Entry(SECRET, WORD, 1)]


async def test_who_follows_is_told_when_another_server_writes_by_a_key_he_lacks(tmp_path: Path) -> None:
    inner = SqliteStorage(tmp_path / "db")
    await inner.open()
    mine = EncryptedStorage(inner, Rules(), rooms.of)
    theirs = EncryptedStorage(inner, Rules([Rule([("core", "secrets")], [OLD])]), rooms.of)
    await mine.range()
    await put(theirs, SECRET, WORD, 0)
    with pytest.raises(StorageError, match="is encrypted by key old of aesgcm"):
        await anext(mine.watch(0))
    await inner.close()


async def _first(store: EncryptedStorage, count: int) -> AsyncIterator[LogEntry]:
    """The first entries of the log, as somebody reads it who has read the store."""
    await store.range()
    async for batch in store.watch(0):
        for entry in batch:
            yield entry
            count -= 1
        if count <= 0:
            return
