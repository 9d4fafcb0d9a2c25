"""Two servers on one store that tells each of them late what the other did."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from tests.apiserver.registry.servers import Server
from tests.apiserver.samples import config_map
from wherry.apiserver.registry.options import ListOptions, WatchOptions
from wherry.apiserver.storage.interface import LogEntry, StorageError
from wherry.apiserver.storage.memory import MemoryStorage
from wherry.objects.errors import InternalError
from wherry.objects.resource import CONFIG_MAPS, NAMESPACES

KEY = ("demo", "a")


class LateStorage(MemoryStorage):
    """A shared store whose watches lag; `broken` cannot say how far it is."""

    shared = True
    broken = False

    async def revision(self) -> int:
        if self.broken:
            raise StorageError("no member answers")
        return await super().revision()

    async def watch(self, after: int) -> AsyncIterator[Sequence[LogEntry]]:
        async for batch in super().watch(after):
            await asyncio.sleep(0.02)
            yield batch


@pytest.fixture
def storage() -> LateStorage:
    return LateStorage()


@pytest.fixture
async def servers(storage: LateStorage) -> AsyncIterator[tuple[Server, Server]]:
    one, other = await Server(storage).start(), await Server(storage).start()
    await one.create(NAMESPACES, {"metadata": {"name": "demo"}}, None)
    yield one, other
    await one.stop()
    await other.stop()


async def test_what_one_server_answered_the_other_shows(servers: tuple[Server, Server]) -> None:
    one, other = servers
    served = other.catalog.of(CONFIG_MAPS)
    made = await one.create(CONFIG_MAPS, config_map("a"))
    await other.registry.seen("")
    assert other.registry.get(served, KEY) == made
    changed = await one.patch(CONFIG_MAPS, KEY, {"n": "1"})
    assert (await other.registry.list(served, "demo", ListOptions())).items == [changed]
    again = await one.patch(CONFIG_MAPS, KEY, {"n": "2"})
    stream = await other.registry.watch(served, "demo", WatchOptions())
    assert stream.initial == [again]


async def test_what_one_server_answered_the_other_changes(servers: tuple[Server, Server]) -> None:
    one, other = servers
    await one.create(CONFIG_MAPS, config_map("a"))
    await other.patch(CONFIG_MAPS, KEY, {"n": "1"})
    await one.delete(CONFIG_MAPS, KEY)
    await other.create(CONFIG_MAPS, config_map("a"))


async def test_a_reader_that_is_content_with_any_state_does_not_wait(
    servers: tuple[Server, Server], storage: LateStorage
) -> None:
    storage.broken = True
    served = servers[0].catalog.of(CONFIG_MAPS)
    assert (await servers[0].registry.list(served, "demo", ListOptions(resource_version="0"))).items == []
    with pytest.raises(InternalError, match="no member answers"):
        await servers[0].registry.list(served, "demo", ListOptions())
