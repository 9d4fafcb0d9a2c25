from __future__ import annotations

import asyncio

import pytest

from wherry.apiserver.state.freshness import Freshness
from wherry.apiserver.storage.interface import StorageError


class Store:
    """A store that answers when told to, and what is followed of it."""

    def __init__(self) -> None:
        self.revision = 0
        self.asked = 0
        self.seen: list[int] = []
        self.answering = asyncio.Event()
        self.freshness = Freshness(self.newest, self.caught_up)

    async def newest(self) -> int:
        self.asked += 1
        revision = self.revision
        await self.answering.wait()
        return revision

    async def caught_up(self, revision: int) -> None:
        self.seen.append(revision)


async def test_who_comes_while_the_store_is_asked_shares_the_next_question() -> None:
    store = Store()
    first = asyncio.create_task(store.freshness.wait())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    store.revision = 7
    others = [asyncio.create_task(store.freshness.wait()) for _ in range(20)]
    await asyncio.sleep(0)
    store.answering.set()
    await asyncio.gather(first, *others)
    assert (store.asked, store.seen) == (2, [0, 7])


async def test_a_failure_is_told_to_who_asked_and_the_next_asks_again() -> None:
    store = Store()

    async def fails() -> int:
        raise StorageError("etcd is away")

    freshness = Freshness(fails, store.caught_up)
    for _ in range(2):
        with pytest.raises(StorageError, match="etcd is away"):
            await freshness.wait()


async def test_who_leaves_does_not_take_the_question_with_them() -> None:
    store = Store()
    leaving, staying = (asyncio.create_task(store.freshness.wait()) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    store.answering.set()
    await staying
    assert store.seen == [0]
