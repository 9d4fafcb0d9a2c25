"""Every test here runs on each transport: what a component sees must not depend on what lies between."""

import pytest

from tests.client.front import Front
from tests.fake.client import FakeClient
from wherry.client.http import HttpClient
from wherry.client.interface import Client
from wherry.client.kubeconfig import Config
from wherry.objects.resource import NAMESPACES


async def fake():
    yield FakeClient()


async def fake_over_http():
    async with Front() as front:
        client = HttpClient(Config(server=front.base))
        yield client
        await client.close()


FACTORIES = {"fake": fake, "fake-over-http": fake_over_http}


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
