"""Nonsense that somebody writes into an etcd while servers read it: they live, set it aside, and serve all else."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

from tests.apiserver.harness import Cluster
from tests.apiserver.samples import config_map
from tests.apiserver.storage.etcd.member import running
from tests.poison import nonsense
from tests.poison.test_components import readable
from wherry.apiserver.storage.etcd import address
from wherry.apiserver.storage.etcd.store import EtcdStorage
from wherry.apiserver.storage.interface import Write
from wherry.objects.resource import CONFIG_MAPS, NAMESPACES

BYTES = (b"", b"\xff{", b"null", b"[]", b"[" * 100_000, b"9" * 100_000, b'{"metadata":[]}', b'{"metadata":{"name":1}}')
KEYS = ("", "x", "/", "//", "/core/pods", "/core/pods/demo/a/b", "/core/../demo/a", "/core/pods/../..", "/é/\x00/\n/ ")


async def test_nonsense_is_set_aside_while_servers_run(tmp_path: Path) -> None:
    with running(tmp_path / "etcd") as etcd:
        where = address.parse(etcd.url)
        async with Cluster(tmp_path, storage=where) as cluster:
            await cluster.client.create(NAMESPACES, {"metadata": {"name": "demo"}})
            made = await cluster.client.create(CONFIG_MAPS, config_map("good"), "demo")
            watch = cluster.client.watch(CONFIG_MAPS, "demo", resource_version=made["metadata"]["resourceVersion"])
            stranger = EtcdStorage(where)
            await stranger.open()
            odd = [*nonsense.objects(Random(1), 60, "demo"), *nonsense.shapeless(Random(2), 60, "demo", first=1000)]
            for write in map(nonsense.write_of, odd):
                await stranger.commit([write])
            for number, value in enumerate(BYTES):
                await stranger.commit([Write(f"/core/configmaps/demo/bytes{number}", value, 0)])
            for key in KEYS:
                await stranger.commit([Write(key, b"{", 0)])
            good = await stranger.range("/core/configmaps/demo/good")
            await stranger.commit([Write(good.entries[0].key, b"\xff", good.entries[0].revision)])
            await stranger.close()
            async with asyncio.timeout(60):
                await cluster.client.create(CONFIG_MAPS, config_map("last"), "demo")
                async for event in watch:
                    if event.object["metadata"]["name"] == "last":
                        break
                await readable(cluster)
                names = {obj["metadata"]["name"] for obj in (await cluster.client.list(CONFIG_MAPS, "demo")).items}
                assert "last" in names
                assert not any(name == "good" or name.startswith("bytes") for name in names)
        async with Cluster(tmp_path, storage=where) as cluster:
            assert (await cluster.client.get(CONFIG_MAPS, "last", "demo"))["metadata"]["name"] == "last"
            await readable(cluster)
