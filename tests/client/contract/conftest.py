"""Every test here runs on each transport: what a component sees must not depend on what lies between."""

import pytest

from wherry.client.fake import FakeClient
from wherry.client.interface import Client
from wherry.objects.resource import NAMESPACES


async def fake():
    yield FakeClient()


FACTORIES = {"fake": fake}


@pytest.fixture(params=FACTORIES)
async def client(request):
    """A client of a server that has the namespaces `demo` and `other`."""
    async for made in FACTORIES[request.param]():
        await prepare(made)
        yield made
        await made.close()


async def prepare(client: Client) -> None:
    for name in ("demo", "other"):
        await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
