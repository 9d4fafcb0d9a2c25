from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.apiserver.harness import Cluster, give_default_accounts
from wherry.objects.resource import NAMESPACES


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    """A server without a disk, with a namespace `demo` in which pods can be made."""
    async with Cluster(tmp_path) as cluster:
        await cluster.client.create(NAMESPACES, {"metadata": {"name": "demo"}})
        await give_default_accounts(cluster.client, "demo")
        yield cluster
