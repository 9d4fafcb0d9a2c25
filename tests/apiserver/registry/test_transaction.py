"""Nobody holds anything while admission waits, and nobody's change is lost for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from copy import deepcopy

import pytest

from tests.apiserver.registry.servers import Server
from tests.apiserver.samples import config_map
from wherry.apiserver.kind import Kind
from wherry.apiserver.registry import transaction
from wherry.apiserver.registry.options import DeleteOptions, WriteOptions
from wherry.apiserver.state import rooms
from wherry.apiserver.state.selection import Selection
from wherry.apiserver.storage.encryption.providers import AesGcm, Provider
from wherry.apiserver.storage.encryption.rules import Rule, Rules
from wherry.apiserver.storage.encryption.store import EncryptedStorage
from wherry.apiserver.storage.interface import Storage
from wherry.apiserver.storage.memory import MemoryStorage
from wherry.objects import Object
from wherry.objects.errors import AlreadyExists, Conflict, Forbidden
from wherry.objects.resource import CONFIG_MAPS, NAMESPACES

KEY = ("demo", "a")


@pytest.fixture
async def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
async def server(storage: MemoryStorage) -> AsyncIterator[Server]:
    server = await Server(storage).start()
    await server.create(NAMESPACES, {"metadata": {"name": "demo"}}, None)
    yield server
    await server.stop()


class Gate:
    """Admission that stops before one object, until it is opened."""

    def __init__(self, server: Server, name: str = "a"):
        self.reached, self.opened, self.passed = asyncio.Event(), asyncio.Event(), 0
        self._name = name
        server.admission.wait = self.wait  # type: ignore[method-assign]

    async def wait(self, kind: Kind, new: Object) -> None:
        if kind.resource == CONFIG_MAPS and new["metadata"]["name"] == self._name:
            self.passed += 1
            self.reached.set()
            await self.opened.wait()


async def test_other_objects_are_written_while_admission_thinks_about_one(server: Server) -> None:
    gate = Gate(server)
    waiting = asyncio.create_task(server.create(CONFIG_MAPS, config_map("a")))
    await gate.reached.wait()
    await server.create(CONFIG_MAPS, config_map("b"))
    assert not waiting.done()
    gate.opened.set()
    assert (await waiting)["metadata"]["name"] == "a"


async def test_a_change_made_while_admission_waits_is_built_upon(server: Server) -> None:
    await server.create(CONFIG_MAPS, config_map("a"))
    gate = Gate(server)
    slow = asyncio.create_task(server.patch(CONFIG_MAPS, KEY, {"slow": "1"}))
    await gate.reached.wait()
    del server.admission.wait
    await server.patch(CONFIG_MAPS, KEY, {"quick": "1"})
    gate.opened.set()
    assert (await slow)["data"] == {"quick": "1", "slow": "1"}
    assert gate.passed == 1, "the second go had no gate"


async def test_every_patch_of_many_counts_however_slow_admission_is(server: Server) -> None:
    await server.create(CONFIG_MAPS, config_map("a"))

    async def wait(kind: Kind, new: Object) -> None:
        await asyncio.sleep(0)

    server.admission.wait = wait  # type: ignore[method-assign]
    patches = [server.patch(CONFIG_MAPS, KEY, {f"k{n}": "v"}) for n in range(20)]
    await asyncio.gather(*patches)
    (obj,) = server.state.collection(server.catalog.of(CONFIG_MAPS).kind).items()
    assert len(obj["data"]) == 20


async def test_an_object_deleted_while_admission_waits_is_gone(server: Server) -> None:
    await server.create(CONFIG_MAPS, config_map("a"))
    gate = Gate(server)
    slow = asyncio.create_task(server.patch(CONFIG_MAPS, KEY, {"slow": "1"}))
    await gate.reached.wait()
    await server.delete(CONFIG_MAPS, KEY)
    gate.opened.set()
    with pytest.raises(Exception, match='configmaps "a" not found'):
        await slow


async def test_a_namespace_that_goes_while_admission_waits_takes_nothing_new(server: Server) -> None:
    gate = Gate(server)
    slow = asyncio.create_task(server.create(CONFIG_MAPS, config_map("a")))
    await gate.reached.wait()
    await server.delete(NAMESPACES, ("", "demo"))
    gate.opened.set()
    with pytest.raises(Forbidden, match="because it is being terminated"):
        await slow


async def test_of_two_that_race_for_a_name_across_admission_one_gets_it(server: Server) -> None:
    gate = Gate(server)
    both = [asyncio.create_task(server.create(CONFIG_MAPS, config_map("a", n=n))) for n in "12"]
    await gate.reached.wait()
    gate.opened.set()
    results = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(r) for r in results if not isinstance(r, dict)) == [AlreadyExists]


async def test_two_servers_on_one_store_lose_no_patch_of_one_object(server: Server, storage: MemoryStorage) -> None:
    other = await Server(storage).start()
    await server.create(CONFIG_MAPS, config_map("a"))
    await other.state.reached(server.state.revision)
    patches = [s.patch(CONFIG_MAPS, KEY, {f"{i}-{n}": "v"}) for n in range(10) for i, s in enumerate((server, other))]
    await asyncio.gather(*patches)
    await server.state.reached(other.state.revision)
    (obj,) = server.state.collection(server.catalog.of(CONFIG_MAPS).kind).items()
    assert len(obj["data"]) == 20
    await other.stop()


async def test_a_client_that_named_a_version_hears_of_another_servers_change(
    server: Server, storage: MemoryStorage
) -> None:
    other = await Server(storage).start()
    made = await server.create(CONFIG_MAPS, config_map("a"))
    await other.state.reached(server.state.revision)
    both = [s.update(CONFIG_MAPS, made | {"data": {"by": str(i)}}) for i, s in enumerate((server, other))]
    results = await asyncio.gather(*both, return_exceptions=True)
    assert [type(r) for r in results if not isinstance(r, dict)] == [Conflict]
    await other.stop()


async def test_who_is_always_overtaken_hears_of_it_in_the_end(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transaction, "ATTEMPTS", 3)
    await server.create(CONFIG_MAPS, config_map("a"))
    tries = 0

    async def wait(kind: Kind, new: Object) -> None:
        nonlocal tries
        if "slow" in new["data"]:
            tries += 1
            await server.patch(CONFIG_MAPS, KEY, {"quick": str(tries)})

    server.admission.wait = wait  # type: ignore[method-assign]
    with pytest.raises(Conflict, match="the object has been modified"):
        await server.patch(CONFIG_MAPS, KEY, {"slow": "1"})
    assert tries == 3


async def test_leaving_an_object_as_it_is_writes_nothing(server: Server) -> None:
    first = await server.create(CONFIG_MAPS, config_map("a"))
    before = server.state.revision
    served = server.catalog.of(CONFIG_MAPS)
    assert await server.registry.modify(served, KEY, lambda shown: shown, WriteOptions()) is first
    assert await server.registry.modify(served, KEY, lambda shown: {**shown}, WriteOptions()) is first
    assert server.state.revision == before


async def test_a_dry_run_says_what_would_be_and_stores_nothing(server: Server) -> None:
    served, before = server.catalog.of(CONFIG_MAPS), server.state.revision
    dry = WriteOptions(dry_run=True)
    made = await server.registry.create(served, config_map("a"), "demo", dry)
    assert made["metadata"]["uid"]
    assert server.state.revision == before
    stored = await server.create(CONFIG_MAPS, config_map("a"))
    gone = await server.registry.delete(served, KEY, DeleteOptions(), dry)
    assert (gone.object, gone.gone) == (stored, True)
    assert server.registry.get(served, KEY) is stored


NEW, OLD = AesGcm("new", bytes(32)), AesGcm("old", bytes(32))


async def test_an_update_to_the_same_is_a_write_where_it_turns_the_key(storage: MemoryStorage) -> None:
    """As `kubectl get secrets -o json | kubectl replace -f -` is upstream's way to do so."""
    before = await Server(_encrypted(storage, OLD)).start()
    await before.create(NAMESPACES, {"metadata": {"name": "demo"}}, None)
    created = await before.create(CONFIG_MAPS, config_map("a", word="said"))
    await before.stop()
    server = await Server(_encrypted(storage, NEW, OLD)).start()
    kind = server.catalog.of(CONFIG_MAPS)
    watch = server.state.collection(kind).watch(Selection(), server.state.revision)
    turned = await server.update(CONFIG_MAPS, deepcopy(created))
    assert turned["metadata"]["resourceVersion"] > created["metadata"]["resourceVersion"]
    assert without_version(turned) == without_version(created)
    assert [event.object for event in await watch.take()] == [turned]
    (stored,) = (await storage.range("/core/configmaps/demo/a")).entries
    assert stored.value.startswith(b"k8s:enc:aesgcm:v1:new:")
    assert await server.update(CONFIG_MAPS, deepcopy(turned)) == turned
    await server.stop()


def _encrypted(storage: MemoryStorage, *providers: Provider) -> Storage:
    return EncryptedStorage(storage, Rules([Rule([("core", "configmaps")], providers)]), rooms.of)


def without_version(obj: Object) -> Object:
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": ""}}
