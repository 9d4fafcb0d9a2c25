"""What every `Storage` must do, run on each of them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.apiserver.storage.etcd import member
from tests.apiserver.storage.etcd.member import Etcd, FromZero, running
from tests.apiserver.storage.writing import delete, put
from wherry.apiserver.storage.encryption.providers import AesGcm
from wherry.apiserver.storage.encryption.rules import Rule, Rules
from wherry.apiserver.storage.encryption.store import EncryptedStorage
from wherry.apiserver.storage.interface import Compacted, Entry, LogEntry, Stale, Storage, StorageError, Write
from wherry.apiserver.storage.memory import MemoryStorage
from wherry.apiserver.storage.sqlite.store import SqliteStorage

LOG_LENGTH = 8
EVERYTHING = Rules([Rule([("*", "*")], [AesGcm("key1", bytes(32))])])


@pytest.fixture(scope="session")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etcd]:
    with running(tmp_path_factory.mktemp("etcd")) as etcd:
        yield etcd


@pytest.fixture(params=["memory", "sqlite", "encrypted", "etcd"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    store: Storage
    match request.param:
        case "memory":
            store = MemoryStorage(LOG_LENGTH)
        case "sqlite":
            store = SqliteStorage(tmp_path / "db", LOG_LENGTH)
        case "encrypted":
            store = EncryptedStorage(SqliteStorage(tmp_path / "db", LOG_LENGTH), EVERYTHING, lambda _: "core/secrets")
        case _:
            store = FromZero(member.store(request.getfixturevalue("etcd")))
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def bounded(store: Storage) -> Storage:
    """A store with a log of `LOG_LENGTH` commits; etcd forgets by time: see `test_etcd.py`."""
    if store.shared:
        pytest.skip("etcd's log is bounded by time")
    return store


async def test_a_write_takes_the_next_revision(store: Storage) -> None:
    assert await put(store, "/a", b"1", 0) == 1
    assert await put(store, "/b", b"2", 0) == 2
    assert await put(store, "/a", b"3", 1) == 3
    assert await delete(store, "/b", 2) == 4


async def test_the_revision_is_that_of_the_last_commit(store: Storage) -> None:
    assert await store.revision() == 0
    await put(store, "/a", b"1", 0)
    assert await store.revision() == 1


async def test_all_keys_of_a_commit_get_one_revision(store: Storage) -> None:
    await put(store, "/a", b"1", 0)
    assert await store.commit([Write("/a", None, 1), Write("/b", b"2", 0), Write("/c", b"3", 0)]) == 2
    assert (await store.range()).entries == [Entry("/b", b"2", 2), Entry("/c", b"3", 2)]
    assert await anext(store.watch(1)) == [
        LogEntry(2, "/a", None, b"1"),
        LogEntry(2, "/b", b"2", None),
        LogEntry(2, "/c", b"3", None),
    ]


async def test_a_commit_that_loses_on_one_key_does_nothing_and_names_the_first_that_lost(store: Storage) -> None:
    await put(store, "/b", b"1", 0)
    with pytest.raises(Stale) as caught:
        await store.commit([Write("/a", b"", 0), Write("/b", b"2", 0), Write("/c", b"", 7)])
    assert (caught.value.key, caught.value.current) == ("/b", 1)
    assert await store.range() == ([Entry("/b", b"1", 1)], 1, False)
    assert await put(store, "/a", b"", 0) == 2


@pytest.mark.parametrize("writes", [[], [Write("/a", b"1", 0), Write("/a", b"2", 0)]])
async def test_no_writes_or_two_of_one_key_are_no_commit(store: Storage, writes: list[Write]) -> None:
    with pytest.raises(ValueError, match="a commit"):
        store.commit(writes)
    assert (await store.range()).revision == 0


async def test_range_returns_the_prefix_in_key_order(store: Storage) -> None:
    for key in ("/pods/b", "/pods/a", "/podsets/x", "/nodes/n"):
        await put(store, key, key.encode(), 0)
    snapshot = await store.range("/pods/")
    assert snapshot.entries == [Entry("/pods/a", b"/pods/a", 2), Entry("/pods/b", b"/pods/b", 1)]
    assert snapshot.revision == 4
    assert len((await store.range()).entries) == 4


async def test_a_range_is_read_page_by_page(store: Storage) -> None:
    for n in range(5):
        await put(store, f"/pods/{n}", b"", 0)
    await put(store, "/nodes/n", b"", 0)
    pages, after, more = [], "", True
    while more:
        entries, _, more = await store.range("/pods/", after=after, limit=2)
        pages.append([entry.key for entry in entries])
        after = entries[-1].key
    assert pages == [["/pods/0", "/pods/1"], ["/pods/2", "/pods/3"], ["/pods/4"]]
    assert await store.range("/pods/", after="/pods/4") == ([], 6, False)
    assert not (await store.range("/pods/", limit=5)).more


async def test_creating_a_key_that_exists_is_stale(store: Storage) -> None:
    await put(store, "/a", b"1", 0)
    with pytest.raises(Stale) as caught:
        await put(store, "/a", b"2", 0)
    assert caught.value.current == 1
    assert (await store.range()).entries == [Entry("/a", b"1", 1)]


async def test_writing_over_another_revision_is_stale(store: Storage) -> None:
    await put(store, "/a", b"1", 0)
    await put(store, "/a", b"2", 1)
    with pytest.raises(Stale):
        await put(store, "/a", b"3", 1)
    with pytest.raises(Stale):
        await delete(store, "/a", 1)
    with pytest.raises(Stale):
        await delete(store, "/missing", 0)


async def test_writes_happen_in_the_order_they_were_submitted(store: Storage) -> None:
    writes = [put(store, f"/{n}", b"", 0) for n in range(100)]
    revisions = await asyncio.gather(*writes)
    assert (sorted(revisions) if store.shared else revisions) == list(range(1, 101))


async def test_a_failed_write_in_a_batch_leaves_the_others(store: Storage) -> None:
    results = await asyncio.gather(
        put(store, "/a", b"1", 0), put(store, "/a", b"2", 0), put(store, "/b", b"3", 0), return_exceptions=True
    )
    if not store.shared:
        assert results[0] == 1
        assert isinstance(results[1], Stale)
        assert results[2] == 2
    assert sorted(r for r in results if isinstance(r, int)) == [1, 2]
    assert [type(r) for r in results if not isinstance(r, int)] == [Stale]


async def test_a_watch_begins_with_what_came_after_its_revision_and_goes_on(store: Storage) -> None:
    await put(store, "/a", b"1", 0)
    await put(store, "/a", b"2", 1)
    watch = store.watch(1)
    first = await anext(watch)
    await delete(store, "/a", 2)
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
        await asyncio.gather(*(put(store, f"/{n}", b"", 0) for n in range(start, start + 6)))
    await store.close()
    await task
    assert seen == list(range(1, 61))


async def test_a_watch_from_before_the_log_is_refused(bounded: Storage) -> None:
    for n in range(20):
        await put(bounded, f"/{n}", b"", 0)
    oldest = await bounded.oldest()
    assert oldest == 12
    with pytest.raises(Compacted):
        await anext(bounded.watch(oldest - 1))
    assert len(await anext(bounded.watch(oldest))) == 8


async def test_the_log_forgets_whole_commits(bounded: Storage) -> None:
    for n in range(0, 24, 3):
        await bounded.commit([Write(f"/{n + i}", b"", 0) for i in range(3)])
    oldest = await bounded.oldest()
    batch = await anext(bounded.watch(oldest))
    assert [entry.revision for entry in batch] == [r for r in range(oldest + 1, 9) for _ in range(3)]


async def test_a_batch_never_splits_a_commit(store: Storage) -> None:
    batches: list[list[int]] = []

    async def follow() -> None:
        async for batch in store.watch(0):
            batches.append([entry.revision for entry in batch])

    task = asyncio.create_task(follow())
    await asyncio.sleep(0)
    await asyncio.gather(*(store.commit([Write(f"/{n}/{i}", b"", 0) for i in range(3)]) for n in range(50)))
    await store.close()
    await task
    assert [r for batch in batches for r in batch] == [r for r in range(1, 51) for _ in range(3)]
    assert all(first[-1] < second[0] for first, second in itertools.pairwise(batches))


async def test_the_log_tells_what_each_value_was_and_became(store: Storage) -> None:
    for n in range(3):
        await put(store, "/a", str(n).encode(), n)
    await delete(store, "/a", 3)
    await put(store, "/a", b"again", 0)
    assert await anext(store.watch(0)) == [
        LogEntry(1, "/a", b"0", None),
        LogEntry(2, "/a", b"1", b"0"),
        LogEntry(3, "/a", b"2", b"1"),
        LogEntry(4, "/a", None, b"2"),
        LogEntry(5, "/a", b"again", None),
    ]


async def test_closing_ends_watches_and_refuses_writes(store: Storage) -> None:
    await put(store, "/a", b"0", 0)
    watch = store.watch(0)
    await anext(watch)
    following = asyncio.create_task(anext(watch, None))
    await asyncio.sleep(0)  # it waits for more
    await store.close()
    assert await following is None
    with pytest.raises(StorageError):
        await put(store, "/a", b"", 0)
