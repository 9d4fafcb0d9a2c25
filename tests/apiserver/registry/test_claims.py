"""Addresses and node ports are never given twice, whoever asks: two writers, two servers, a store of old."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from tests.apiserver.registry.servers import Server
from tests.apiserver.samples import service
from wherry.apiserver.kinds.core.services.claims import NODE_PORT
from wherry.apiserver.kinds.core.services.service import SERVICE
from wherry.apiserver.kinds.networking.ipaddress import IP_ADDRESS
from wherry.apiserver.registry.context import RegistrySettings
from wherry.apiserver.storage.interface import Storage, Write
from wherry.apiserver.storage.memory import MemoryStorage
from wherry.apiserver.storage.sqlite.store import SqliteStorage
from wherry.objects import Object
from wherry.objects.errors import ApiError, InternalError, Invalid
from wherry.objects.resource import NAMESPACES, SERVICES

NARROW = RegistrySettings((IPv4Network("10.96.0.0/26"),), range(30000, 30030))
"""Room for 62 addresses and 30 node ports: whoever draws at random meets others soon."""


@pytest.fixture(params=["memory", "sqlite"])
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    store: Storage = MemoryStorage() if request.param == "memory" else SqliteStorage(tmp_path / "db")
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def servers(storage: Storage) -> AsyncIterator[list[Server]]:
    """Two servers on one store, of which neither sees what the other does before the store says so."""
    one, two = Server(storage, NARROW), Server(storage, NARROW)
    await one.start()
    await one.create(NAMESPACES, {"metadata": {"name": "demo"}}, None)
    await two.start()
    yield [one, two]
    await one.stop()
    await two.stop()


def services(server: Server) -> list[Object]:
    return list(server.state.collection(SERVICE).items())


def held(server: Server) -> dict[str, set[str]]:
    """Return the names of the claims there are, by kind."""
    collections = ((kind, server.state.collection(kind)) for kind in (IP_ADDRESS, NODE_PORT))
    return {kind.kind: {obj["metadata"]["name"] for obj in c.items()} for kind, c in collections}


def wanted(server: Server) -> dict[str, set[str]]:
    """Return the names of the claims there should be."""
    specs = [obj["spec"] for obj in services(server)]
    ports = {str(p["nodePort"]) for s in specs for p in s["ports"] if p.get("nodePort")}
    return {"IPAddress": {s["clusterIP"] for s in specs if s.get("clusterIP", "None") != "None"}, "NodePort": ports}


async def together(servers: list[Server]) -> None:
    """Have every server see what all have done."""
    newest = max(server.state.revision for server in servers)
    await asyncio.gather(*(server.state.reached(newest) for server in servers))


async def test_two_servers_never_give_one_number_twice(servers: list[Server]) -> None:
    creating = (
        servers[n % 2].create(SERVICES, service(f"s{n}", type="NodePort" if n < 24 else "ClusterIP")) for n in range(48)
    )
    made = await asyncio.gather(*creating)
    await together(servers)
    assert len({obj["spec"]["clusterIP"] for obj in made}) == 48
    assert len({obj["spec"]["ports"][0]["nodePort"] for obj in made[:24]}) == 24
    for server in servers:
        assert held(server) == wanted(server)


async def test_a_number_that_two_servers_are_asked_for_goes_to_one(servers: list[Server]) -> None:
    """The other says which field cannot be had, as it would if it had known."""
    spec = {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30005}]}
    both = [s.create(SERVICES, service(f"s{i}", **spec)) for i, s in enumerate(servers)]
    results = await asyncio.gather(*both, return_exceptions=True)
    (refused,) = (r for r in results if not isinstance(r, dict))
    assert isinstance(refused, Invalid)
    assert "spec.ports[0].nodePort: Invalid value: 30005: provided port is already allocated" in str(refused)
    both = [s.create(SERVICES, service(f"a{i}", clusterIP="10.96.0.9")) for i, s in enumerate(servers)]
    (refused,) = (r for r in await asyncio.gather(*both, return_exceptions=True) if not isinstance(r, dict))
    assert "failed to allocate IP 10.96.0.9: provided IP is already allocated" in str(refused)
    await together(servers)
    assert held(servers[0]) == wanted(servers[0])


async def test_the_last_numbers_go_to_as_many_as_there_are(servers: list[Server]) -> None:
    """However two servers race for the last of a range, each is given once, and the rest hear that it is full."""
    creating = (servers[n % 2].create(SERVICES, service(f"s{n}", type="NodePort")) for n in range(40))
    results = await asyncio.gather(*creating, return_exceptions=True)
    made = [r for r in results if isinstance(r, dict)]
    assert {obj["spec"]["ports"][0]["nodePort"] for obj in made} == set(NARROW.node_port_range)
    assert [type(r) for r in results if not isinstance(r, dict)] == [InternalError] * 10


async def test_numbers_are_released_with_their_service_and_by_an_update(servers: list[Server]) -> None:
    server = servers[0]
    made = await server.create(SERVICES, service("s", type="NodePort"))
    old = str(made["spec"]["ports"][0]["nodePort"])
    assert held(server) == {"IPAddress": {made["spec"]["clusterIP"]}, "NodePort": {old}}
    new = {"port": 80, "nodePort": 30001 if old != "30001" else 30002}
    await server.update(SERVICES, made | {"spec": made["spec"] | {"ports": [new]}})
    assert held(server)["NodePort"] == {str(new["nodePort"])}
    await server.delete(SERVICES, ("demo", "s"))
    assert held(server) == {"IPAddress": set(), "NodePort": set()}


async def test_a_number_that_is_being_released_can_be_asked_for(servers: list[Server]) -> None:
    """Who asks while the commit that releases it is under way waits for that, and has it."""
    server = servers[0]
    spec = {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30005}], "clusterIP": "10.96.0.9"}
    await server.create(SERVICES, service("old", **spec))
    _, made = await asyncio.gather(
        server.delete(SERVICES, ("demo", "old")), server.create(SERVICES, service("new", **spec))
    )
    assert made["spec"]["ports"][0]["nodePort"] == 30005
    assert held(server) == wanted(server)


async def test_claims_agree_with_services_whatever_two_servers_do(servers: list[Server]) -> None:
    """Random creations, updates and deletions on two servers, all at once: what is held is what Services have."""
    rng = random.Random(5)

    async def step(server: Server) -> None:
        name = rng.choice("abcdefgh")
        port = {"port": 80, "nodePort": rng.randrange(30000, 30006)} if rng.random() < 0.5 else {"port": 80}
        obj = service(name, type=rng.choice(["NodePort", "ClusterIP"]), ports=[port])
        obj["metadata"]["namespace"] = "demo"
        with suppress(ApiError):  # taken, gone, not allowed for the type: all of it may be
            match rng.randrange(3):
                case 0:
                    await server.create(SERVICES, obj)
                case 1:
                    await server.update(SERVICES, obj)
                case 2:
                    await server.delete(SERVICES, ("demo", name))

    for _ in range(20):
        await asyncio.gather(*(step(servers[n % 2]) for n in range(10)))
        await together(servers)
        for server in servers:
            assert held(server) == wanted(server)
            numbers = [p["nodePort"] for s in services(server) for p in s["spec"]["ports"] if p.get("nodePort")]
            assert len(set(numbers)) == len(numbers)


async def test_a_store_of_an_earlier_version_gets_its_claims_at_the_start(storage: Storage) -> None:
    """What Services hold is claimed, the first of two has what both had, and claims without a holder go."""
    server = await Server(storage, NARROW).start()
    await server.create(NAMESPACES, {"metadata": {"name": "demo"}}, None)
    for name in "abc":
        await server.create(SERVICES, service(name, type="NodePort"))
    lost = service("lost", type="NodePort", ports=[{"port": 80, "nodePort": 30009}])
    await server.create(SERVICES, lost)
    entries = [
        e for room in ("/claims/", "/networking.k8s.io/ipaddresses/") for e in (await storage.range(room)).entries
    ]
    await storage.commit([Write(e.key, None, e.revision) for e in entries if not e.key.endswith("/30009")])
    (entry,) = (await storage.range("/core/services/demo/lost")).entries
    await storage.commit([Write(entry.key, None, entry.revision)])
    await server.stop()

    server = await Server(storage, NARROW).start()
    await server.registry.start()
    assert held(server) == wanted(server)
    before = server.state.revision
    await server.registry.start()
    assert server.state.revision == before, "nothing is left to do"
    await server.stop()
