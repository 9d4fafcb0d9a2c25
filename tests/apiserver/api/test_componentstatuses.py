"""`kubectl get componentstatuses`: how the parts of the control plane are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.apiserver.harness import Cluster
from wherry.component.health import Health, HealthServer
from wherry.net.listening import listen
from wherry.objects.errors import MethodNotAllowed, NotFound
from wherry.objects.resource import COMPONENT_STATUSES


@pytest.fixture
async def planner() -> AsyncIterator[HealthServer]:
    health = Health()
    async with HealthServer(health=health) as server:
        yield server


@pytest.fixture
async def well(tmp_path: Path, planner: HealthServer) -> AsyncIterator[Cluster]:
    """A cluster whose scheduler is well, and whose controllers are not there."""
    nobody = listen("127.0.0.1", 0)
    port = nobody.getsockname()[1]
    nobody.close()
    gone, there = (f"http://127.0.0.1:{port}/healthz" for port in (port, planner.port))
    async with Cluster(tmp_path, components={"scheduler": [gone, there], "controller-manager": [gone]}) as cluster:
        yield cluster


async def test_each_part_says_how_it_is(well: Cluster) -> None:
    listed = (await well.client.list(COMPONENT_STATUSES)).items
    told = {one["metadata"]["name"]: one["conditions"][0] for one in listed}
    assert [*told] == ["controller-manager", "etcd-0", "scheduler"]
    assert told["etcd-0"] == told["scheduler"] == {"type": "Healthy", "status": "True", "message": "ok"}
    assert told["controller-manager"]["status"] == "False"
    assert told["controller-manager"]["error"].startswith('Get "http://127.0.0.1:')


async def test_one_that_finds_itself_ill_says_so(well: Cluster, planner: HealthServer) -> None:
    planner.health.live("thoughts", lambda: "none")
    [condition] = (await well.client.get(COMPONENT_STATUSES, "scheduler"))["conditions"]
    assert (condition["status"], "[-]thoughts failed" in condition["error"]) == ("False", True)


async def test_kubectl_shows_them_by_their_short_name(well: Cluster) -> None:
    code, out, err = await well.kubectl("get", "cs")
    assert code == 0, err
    assert "v1 ComponentStatus is deprecated in v1.19+" in err
    lines = [line.split()[:3] for line in out.splitlines()]
    assert lines[0] == ["NAME", "STATUS", "MESSAGE"]
    assert lines[2:] == [["etcd-0", "Healthy", "ok"], ["scheduler", "Healthy", "ok"]]
    assert lines[1][:2] == ["controller-manager", "Unhealthy"]


async def test_there_is_no_other_and_nobody_writes_them(well: Cluster) -> None:
    with pytest.raises(NotFound):
        await well.client.get(COMPONENT_STATUSES, "etcd-1")
    status, _, answer = await well.request("POST", "/api/v1/componentstatuses", b"{}")
    assert (status, answer["reason"]) == (405, MethodNotAllowed.reason)


async def test_one_that_never_answers_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wherry.apiserver.parts.PATIENCE_SECONDS", 0.05)
    server = await asyncio.start_server(lambda reader, writer: asyncio.sleep(0), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/healthz"
    async with server, Cluster(tmp_path, components={"scheduler": [url]}) as cluster:
        [condition] = (await cluster.client.get(COMPONENT_STATUSES, "scheduler"))["conditions"]
    assert condition["error"] == f'Get "{url}": no answer in time'
