"""What only a store in etcd has: members that go away, others that write there, an etcd that forgets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.apiserver.storage.etcd.member import Etcd, running
from tests.apiserver.storage.writing import put
from wherry.apiserver.storage.etcd import address
from wherry.apiserver.storage.etcd.compaction import Compactor
from wherry.apiserver.storage.etcd.gateway import Gateway
from wherry.apiserver.storage.etcd.messages import Done, Operation, Put, Txn
from wherry.apiserver.storage.etcd.store import EtcdStorage
from wherry.apiserver.storage.interface import Compacted, Entry, LogEntry, StorageError


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[Etcd]:
    with running(tmp_path) as etcd:
        yield etcd


def store(etcd: Etcd, prefix: str = "/a", patience: float = 5.0) -> EtcdStorage:
    where = address.parse(etcd.url + prefix)
    return EtcdStorage(where, Gateway(where, patience))


async def opened(store: EtcdStorage) -> EtcdStorage:
    await store.open()
    return store


async def test_nothing_acknowledged_is_lost_and_a_watch_repeats_nothing_over_kills(etcd: Etcd) -> None:
    one = await opened(store(etcd))
    following = asyncio.create_task(first(160, one.watch(0)))
    acknowledged: dict[str, int] = {}

    async def writer(name: int) -> None:
        for n in range(40):
            acknowledged[f"/{name}/{n}"] = await put(one, f"/{name}/{n}", b"v" * 100, 0)

    writers = [asyncio.create_task(writer(name)) for name in range(4)]
    for _ in range(3):
        await asyncio.sleep(0.1)
        etcd.kill()
        await asyncio.to_thread(etcd.start)
    await asyncio.gather(*writers)
    page = await one.range()
    async with asyncio.timeout(10):
        seen = await following
    assert {e.key: e.revision for e in page.entries} == acknowledged
    assert [(e.key, e.revision) for e in seen] == sorted(acknowledged.items(), key=lambda item: item[1])
    await one.close()


async def first(number: int, watch: AsyncIterator[Sequence[LogEntry]]) -> list[LogEntry]:
    """Return what a watch tells until it has told of so many writes."""
    told: list[LogEntry] = []
    while len(told) < number:
        told += [entry for entry in await anext(watch) if entry.key]
    return told


async def asked_twice(call: Callable[..., Awaitable[tuple[Any, bool]]], *arguments: Any) -> tuple[Any, bool]:
    """A call whose first answer was lost."""
    answered, _ = await call(*arguments)
    return answered, True


async def test_two_stores_in_one_etcd_do_not_see_each_other_and_a_watch_keeps_up(etcd: Etcd) -> None:
    one, other = await opened(store(etcd, "/a")), await opened(store(etcd, "/ab"))
    watch = one.watch(0)
    first = await put(one, "/k", b"1", 0)
    assert (await anext(watch))[0] == LogEntry(first, "/k", b"1", None)
    newest = await put(other, "/k", b"2", 0)
    assert await one.revision() == newest
    async with asyncio.timeout(5):
        told = [entry for entry in await until(watch, newest) if entry.key]
    assert told == []
    assert (await one.range()).entries == [Entry("/k", b"1", first)]
    await one.close()
    await other.close()


async def until(watch: AsyncIterator[Sequence[LogEntry]], revision: int) -> list[LogEntry]:
    """Return what a watch tells until it has come to a revision."""
    told: list[LogEntry] = []
    while not told or told[-1].revision < revision:
        told += await anext(watch)
    return told


async def test_what_is_purged_is_this_stores_alone(etcd: Etcd) -> None:
    one, other = await opened(store(etcd, "/a")), await opened(store(etcd, "/ab"))
    await put(one, "/k", b"1", 0)
    await put(other, "/k", b"2", 0)
    await one.purge()
    assert [len((await s.range()).entries) for s in (one, other)] == [0, 1]
    await one.close()
    await other.close()


async def test_an_etcd_that_is_away_is_said_and_its_return_is_noticed(etcd: Etcd) -> None:
    one = await opened(store(etcd, patience=0.2))
    etcd.kill()
    with pytest.raises(StorageError, match=r"Connect call failed|refused"):
        await put(one, "/k", b"1", 0)
    assert one.problem is not None
    await asyncio.to_thread(etcd.start)
    await put(one, "/k", b"1", 0)
    assert one.problem is None
    await one.close()


async def test_a_store_where_no_etcd_is_does_not_open(etcd: Etcd) -> None:
    etcd.kill()
    with pytest.raises(StorageError, match=etcd.url.removeprefix("http://")):
        await store(etcd, patience=0.1).open()


async def test_of_two_servers_one_compacts_what_both_saw_the_time_before(etcd: Etcd) -> None:
    one = await opened(store(etcd))
    gateway = Gateway(address.parse(etcd.url))
    gateway.open()
    servers = [Compactor(gateway, b"/a/compacted") for _ in range(2)]
    turns = [(0, 0), (0, 0)]
    revisions = []
    for n in range(3):
        revisions.append(await put(one, f"/{n}", b"", 0))
        turns = [await server.turn(*turn) for server, turn in zip(servers, turns, strict=True)]
    compacted = await servers[0].compacted()
    assert revisions[0] <= compacted < revisions[2]
    with pytest.raises(Compacted) as caught:
        await anext(one.watch(revisions[0] - 1))
    assert caught.value.oldest <= compacted
    assert await one.oldest() == compacted
    batch = await anext(one.watch(compacted))
    assert batch[-1].revision > compacted
    await gateway.close()
    await one.close()


async def test_a_commit_whose_answer_was_lost_is_known_by_what_it_wrote(etcd: Etcd) -> None:
    """Behind the store's back the same bytes are written, as its own lost request would have."""
    one = await opened(store(etcd))
    where = address.parse(etcd.url)
    gateway = Gateway(where)
    gateway.open()
    written, _ = await gateway.call("/v3/kv/txn", Txn([], [Operation(Put(b"/a/objects/k", b"1"))]), Done)

    one._gateway.call = partial(asked_twice, one._gateway.call)  # type: ignore[method-assign]
    assert await put(one, "/k", b"1", 0) == written.header.revision
    await gateway.close()
    await one.close()
