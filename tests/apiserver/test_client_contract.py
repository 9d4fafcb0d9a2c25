"""The contract tests of `Client`, on the real server: in-process and over HTTPS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.apiserver.harness import Cluster, give_default_accounts
from tests.client.contract.conftest import Server, prepare
from tests.client.contract.test_objects import *  # noqa: F403
from tests.client.contract.test_resources import *  # noqa: F403
from tests.client.contract.test_watch import *  # noqa: F403
from wherry.apiserver.kind import Kind
from wherry.client import http
from wherry.client.interface import Client
from wherry.objects.resource import Resource


def of(cluster: Cluster, client: Client) -> Server:
    catalog, added = cluster.server.catalog, dict[Resource, Kind]()

    async def serve(resource: Resource) -> None:
        added[resource] = Kind(resource=resource)
        await catalog.add(added[resource])

    async def unserve(resource: Resource) -> None:
        await catalog.remove(added.pop(resource))

    return Server(client, serve, unserve)


@pytest.fixture(params=["in-process", "https"])
async def server(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Server]:
    monkeypatch.setattr(http, "DISCOVERY_SECONDS", 0.02)
    async with Cluster(tmp_path) as cluster:
        client: Client = cluster.client if request.param == "in-process" else cluster.http()
        await prepare(client)
        await give_default_accounts(client, "demo", "other")
        yield of(cluster, client)
        await client.close()


@pytest.fixture
def client(server: Server) -> Client:
    return server.client
