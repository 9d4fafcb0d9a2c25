"""Several API servers on one etcd."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.apiserver.harness import Cluster
from tests.apiserver.samples import config_map
from tests.apiserver.storage.etcd.member import running
from wherry.apiserver.storage.etcd import address
from wherry.objects.resource import CONFIG_MAPS, SERVICE_CIDRS, SERVICES

NUMBER = 3


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[list[Cluster]]:
    with running(tmp_path / "etcd") as etcd:
        folders = [tmp_path / str(n) for n in range(NUMBER)]
        for folder in folders:
            folder.mkdir()
        servers = [Cluster(folder, storage=address.parse(etcd.url)) for folder in folders]
        await asyncio.gather(*(one.server.start() for one in servers))
        yield servers
        await asyncio.gather(*(one.server.stop() for one in servers))
        for one in servers:
            one.sock.close()


async def test_servers_that_start_at_once_put_the_same_in_place(servers: list[Cluster]) -> None:
    for one in servers:
        assert (await one.client.get(SERVICE_CIDRS, "kubernetes"))["status"]["conditions"][0]["status"] == "True"
        assert (await one.client.get(SERVICES, "kubernetes", "default"))["spec"]["clusterIP"] == "10.96.0.1"


async def test_whom_ever_one_asks_the_answer_is_the_newest(servers: list[Cluster]) -> None:
    await servers[0].client.create(CONFIG_MAPS, config_map("shared"), "default")
    for n in range(30):
        writer, reader = servers[n % NUMBER], servers[(n + 1) % NUMBER]
        await writer.client.patch(CONFIG_MAPS, "shared", {"data": {"n": str(n)}}, "default")
        assert (await reader.client.get(CONFIG_MAPS, "shared", "default"))["data"]["n"] == str(n)


async def test_a_watch_at_one_server_hears_of_writes_at_every_other_without_a_gap(servers: list[Cluster]) -> None:
    listed = await servers[0].client.list(CONFIG_MAPS, "default")
    watch = servers[0].client.watch(CONFIG_MAPS, "default", resource_version=listed.resource_version)
    names = [f"of-{n}" for n in range(20)]
    creating = (
        servers[n % NUMBER].client.create(CONFIG_MAPS, config_map(name), "default") for n, name in enumerate(names)
    )
    await asyncio.gather(*creating)
    async with asyncio.timeout(10):
        heard = [(await anext(watch)).object["metadata"]["name"] for _ in names]
    assert sorted(heard) == sorted(names)
