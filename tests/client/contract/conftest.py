"""Every test here runs on each transport: what a component sees must not depend on what lies between."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

import pytest

from tests.client.front import Front
from tests.fake.client import FakeClient
from wherry.client import http
from wherry.client.http import HttpClient
from wherry.client.interface import Client
from wherry.client.kubeconfig import Config
from wherry.objects.resource import NAMESPACES, Resource


class Server(NamedTuple):
    """A server and a client of it; `serve` and `unserve` change what it serves."""

    client: Client
    serve: Callable[[Resource], Awaitable[None]]
    unserve: Callable[[Resource], Awaitable[None]]


def of_fake(client: Client, behind: FakeClient) -> Server:
    async def serve(resource: Resource) -> None:
        behind.serve(resource)

    async def unserve(resource: Resource) -> None:
        behind.unserve(resource)

    return Server(client, serve, unserve)


async def fake() -> AsyncIterator[Server]:
    client = FakeClient()
    yield of_fake(client, client)


async def fake_over_http() -> AsyncIterator[Server]:
    async with Front() as front:
        yield of_fake(HttpClient(Config(server=front.base)), front.client)


FACTORIES = {"fake": fake, "fake-over-http": fake_over_http}


@pytest.fixture(params=FACTORIES)
async def server(request, monkeypatch):
    """A server that has the namespaces `demo` and `other`."""
    monkeypatch.setattr(http, "DISCOVERY_SECONDS", 0.02)
    async for made in FACTORIES[request.param]():
        await prepare(made.client)
        yield made
        await made.client.close()


@pytest.fixture
def client(server):
    return server.client


async def prepare(client: Client) -> None:
    for name in ("demo", "other"):
        await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
