"""The contract tests of `Client`, on the real server: in-process and over HTTPS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.apiserver.harness import Cluster, give_default_accounts
from tests.client.contract.conftest import prepare
from tests.client.contract.test_objects import *  # noqa: F403
from tests.client.contract.test_watch import *  # noqa: F403
from wherry.client.interface import Client


@pytest.fixture(params=["in-process", "https"])
async def client(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Client]:
    async with Cluster(tmp_path) as cluster:
        client: Client = cluster.client if request.param == "in-process" else cluster.http()
        await prepare(client)
        await give_default_accounts(client, "demo", "other")
        yield client
        await client.close()
