"""The server as a whole: started, stopped, killed, started again."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from contextlib import aclosing
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from tests.apiserver.harness import Cluster
from tests.apiserver.samples import config_map
from wherry.apiserver.server import ApiServer
from wherry.apiserver.web import listener
from wherry.objects.errors import NotFound
from wherry.objects.resource import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    CONFIG_MAPS,
    ENDPOINT_SLICES,
    ENDPOINTS,
    NAMESPACES,
    SERVICES,
)


async def test_a_new_cluster_has_what_every_cluster_has(cluster: Cluster) -> None:
    names = [obj["metadata"]["name"] for obj in (await cluster.client.list(NAMESPACES)).items]
    assert names == ["default", "demo", "kube-node-lease", "kube-public", "kube-system"]
    service = await cluster.client.get(SERVICES, "kubernetes", "default")
    assert service["spec"]["clusterIP"] == "10.96.0.1"
    assert service["spec"]["ports"][0]["port"] == 443
    (subset,) = (await cluster.client.get(ENDPOINTS, "kubernetes", "default"))["subsets"]
    assert (subset["addresses"][0]["ip"], subset["ports"][0]["port"]) == ("192.168.51.209", 6443)
    endpoint_slice = await cluster.client.get(ENDPOINT_SLICES, "kubernetes", "default")
    assert endpoint_slice["endpoints"][0]["addresses"] == ["192.168.51.209"]


async def test_a_second_start_writes_nothing_and_repairs_what_was_changed(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, storage=tmp_path / "db")
    await cluster.server.start()
    version = (await cluster.client.list(NAMESPACES)).resource_version
    await cluster.server.stop()

    again = ApiServer(cluster.config)
    await again.start()
    client = again.client()
    assert (await client.list(NAMESPACES)).resource_version == version
    await client.delete(CLUSTER_ROLES, "view")
    await client.patch(CLUSTER_ROLES, "edit", {"rules": []})
    mine = {"metadata": {"annotations": {"rbac.authorization.kubernetes.io/autoupdate": "false"}}, "subjects": []}
    await client.patch(CLUSTER_ROLE_BINDINGS, "system:basic-user", mine)
    await again.stop()

    third = ApiServer(cluster.config)
    await third.start()
    client = third.client()
    assert (await client.get(CLUSTER_ROLES, "view"))["rules"]
    assert (await client.get(CLUSTER_ROLES, "edit"))["rules"]
    assert not (await client.get(CLUSTER_ROLE_BINDINGS, "system:basic-user")).get("subjects")
    await third.stop()
    cluster.sock.close()


async def test_a_new_service_range_moves_the_service(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, storage=tmp_path / "db")
    async with cluster:
        pass
    moved = Cluster(tmp_path, storage=tmp_path / "db", service_cidrs=(IPv4Network("10.50.0.0/16"),))
    async with moved:
        assert (await moved.client.get(SERVICES, "kubernetes", "default"))["spec"]["clusterIP"] == "10.50.0.1"


async def test_stopping_ends_watches_and_leaves_the_sockets_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "STOP_SECONDS", 40.0)  # what goes on for as long would be ended then
    cluster = Cluster(tmp_path, storage=tmp_path / "db")
    await cluster.server.start()
    http = cluster.http()

    seen, all_seen = 0, asyncio.Event()

    async def follow() -> None:
        nonlocal seen
        async with aclosing(http.watch(NAMESPACES)) as watch:
            async for _ in watch:
                seen += 1
                if seen == 4:
                    all_seen.set()

    following = asyncio.create_task(follow())
    async with asyncio.timeout(5):
        await all_seen.wait()
    started = time.monotonic()
    await cluster.server.stop()
    await following
    assert seen == 4
    assert time.monotonic() - started < 20

    again = ApiServer(cluster.config)
    await again.start()
    assert len((await http.list(NAMESPACES)).items) == 4
    await http.close()
    await again.stop()
    cluster.sock.close()


async def test_a_watch_goes_on_after_a_restart(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, storage=tmp_path / "db")
    await cluster.server.start()
    version = (await cluster.client.list(CONFIG_MAPS)).resource_version
    await cluster.client.create(CONFIG_MAPS, config_map("a"), "default")
    await cluster.client.delete(CONFIG_MAPS, "a", "default")
    await cluster.server.stop()
    again = ApiServer(cluster.config)
    await again.start()
    seen = []
    async with asyncio.timeout(5), aclosing(again.client().watch(CONFIG_MAPS, resource_version=version)) as watch:
        async for event in watch:
            seen.append((event.type, event.object["metadata"]["name"]))
            if len(seen) == 2:
                break
    assert seen == [("ADDED", "a"), ("DELETED", "a")]
    await again.stop()
    cluster.sock.close()


SERVER = """
import asyncio, sys
from pathlib import Path
from tests.apiserver.harness import Cluster
from tests.apiserver.samples import config_map
from wherry.objects.resource import CONFIG_MAPS

async def write(client, worker):
    n = 0
    while True:
        name = f"{worker}-{n}"
        made = await client.create(CONFIG_MAPS, config_map(name, x="1"), "default")
        sys.stdout.write(f"{name} {made['metadata']['uid']}\\n")
        sys.stdout.flush()
        n += 1

async def main():
    directory = Path(sys.argv[1])
    async with Cluster(directory, storage=directory / "db") as cluster:
        await asyncio.gather(*(write(cluster.http(), worker) for worker in range(4)))

asyncio.run(main())
"""


async def test_kill_9_loses_nothing_a_client_was_told(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", SERVER, str(tmp_path)], stdout=subprocess.PIPE)
    assert child.stdout
    lines = [child.stdout.readline() for _ in range(200)]
    child.send_signal(signal.SIGKILL)
    lines += [line for line in child.stdout if line.endswith(b"\n")]
    child.stdout.close()
    child.wait()
    told = dict(line.decode().split() for line in lines)
    async with Cluster(tmp_path, storage=tmp_path / "db") as cluster:
        found = {o["metadata"]["name"]: o["metadata"]["uid"] for o in (await cluster.client.list(CONFIG_MAPS)).items}
        assert len(told) >= 200
        assert told.items() <= found.items()
        with pytest.raises(NotFound):
            await cluster.client.get(CONFIG_MAPS, "never", "default")
