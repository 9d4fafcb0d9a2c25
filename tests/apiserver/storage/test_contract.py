"""What every `Storage` must do, run on each of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from wherry.apiserver.storage.interface import Compacted, Entry, LogEntry, Stale, Storage, StorageError
from wherry.apiserver.storage.memory import MemoryStorage
from wherry.apiserver.storage.sqlite import SqliteStorage


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    store: Storage = MemoryStorage(8) if request.param == "memory" else SqliteStorage(tmp_path / "db", 8)
    await store.open()
    yield store
    await store.close()


async def test_a_write_takes_the_next_revision(store: Storage) -> None:
    assert await store.put("/a", b"1", 0) == 1
    assert await store.put("/b", b"2", 0) == 2
    assert await store.put("/a", b"3", 1) == 3
    assert await store.delete("/b", 2) == 4


async def test_range_returns_the_prefix_in_key_order(store: Storage) -> None:
    for key in ("/pods/b", "/pods/a", "/podsets/x", "/nodes/n"):
        await store.put(key, key.encode(), 0)
    snapshot = await store.range("/pods/")
    assert snapshot.entries == [Entry("/pods/a", b"/pods/a", 2), Entry("/pods/b", b"/pods/b", 1)]
    assert snapshot.revision == 4
    assert len((await store.range()).entries) == 4


async def test_creating_a_key_that_exists_is_stale(store: Storage) -> None:
    await store.put("/a", b"1", 0)
    with pytest.raises(Stale) as caught:
        await store.put("/a", b"2", 0)
    assert caught.value.current == 1
    assert (await store.range()).entries == [Entry("/a", b"1", 1)]


async def test_writing_over_another_revision_is_stale(store: Storage) -> None:
    await store.put("/a", b"1", 0)
    await store.put("/a", b"2", 1)
    with pytest.raises(Stale):
        await store.put("/a", b"3", 1)
    with pytest.raises(Stale):
        await store.delete("/a", 1)
    with pytest.raises(Stale):
        await store.delete("/missing", 0)


async def test_writes_happen_in_the_order_they_were_submitted(store: Storage) -> None:
    writes = [store.put(f"/{n}", b"", 0) for n in range(100)]
    assert await asyncio.gather(*writes) == list(range(1, 101))


async def test_a_failed_write_in_a_batch_leaves_the_others(store: Storage) -> None:
    results = await asyncio.gather(
        store.put("/a", b"1", 0), store.put("/a", b"2", 0), store.put("/b", b"3", 0), return_exceptions=True
    )
    assert results[0] == 1
    assert isinstance(results[1], Stale)
    assert results[2] == 2


async def test_a_watch_begins_with_what_came_after_its_revision_and_goes_on(store: Storage) -> None:
    await store.put("/a", b"1", 0)
    await store.put("/a", b"2", 1)
    watch = store.watch(1)
    first = await anext(watch)
    await store.delete("/a", 2)
    second = await anext(watch)
    assert [*first, *second] == [LogEntry(2, "/a", b"2", b"1"), LogEntry(3, "/a", None, b"2")]
    await watch.aclose()  # type: ignore[attr-defined]


async def test_a_watch_sees_every_write_once_and_in_order(store: Storage) -> None:
    seen: list[int] = []

    async def follow() -> None:
        async for batch in store.watch(0):
            seen.extend(entry.revision for entry in batch)

    task = asyncio.create_task(follow())
    await asyncio.sleep(0)  # it subscribes: from Python 3.12 on, gathering writes that are done does not yield
    for start in range(0, 60, 6):
        await asyncio.gather(*(store.put(f"/{n}", b"", 0) for n in range(start, start + 6)))
    await store.close()
    await task
    assert seen == list(range(1, 61))


async def test_a_watch_from_before_the_log_is_refused(store: Storage) -> None:
    for n in range(20):
        await store.put(f"/{n}", b"", 0)
    oldest = await store.oldest()
    assert oldest == 12
    with pytest.raises(Compacted):
        await anext(store.watch(oldest - 1))
    assert len(await anext(store.watch(oldest))) == 8


async def test_closing_ends_watches_and_refuses_writes(store: Storage) -> None:
    watch = store.watch(0)
    first = asyncio.create_task(anext(watch, None))
    await asyncio.sleep(0.01)
    await store.close()
    assert await first is None
    with pytest.raises(StorageError):
        await store.put("/a", b"", 0)
