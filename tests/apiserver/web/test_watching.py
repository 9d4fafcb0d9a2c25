"""The event stream, as bytes on the wire."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
import pytest

from tests.apiserver.harness import Cluster
from tests.apiserver.samples import config_map
from wherry.apiserver.web import shapes
from wherry.objects import Object
from wherry.objects.resource import CONFIG_MAPS

PATH = "/api/v1/namespaces/demo/configmaps"


class Lines:
    """The events of one watch, one at a time."""

    def __init__(self, response: aiohttp.ClientResponse):
        self._response = response

    async def next(self) -> Object | None:
        """Return the next event, None at the end."""
        async with asyncio.timeout(5):
            line = await self._response.content.readline()
        return msgspec.json.decode(line) if line else None


@asynccontextmanager
async def watching(cluster: Cluster, query: str) -> AsyncIterator[Lines]:
    context = ssl.create_default_context(cafile=str(cluster.directory / "ca.crt"))
    context.load_cert_chain(cluster.directory / "admin.crt", cluster.directory / "admin.key")
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session,
        session.get(f"{cluster.url}{PATH}?watch=1&{query}") as response,
    ):
        yield Lines(response)


async def test_bookmarks_come_now_and_then_with_the_newest_version(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wherry.apiserver.web.watching.BOOKMARK_SECONDS", 0.1)
    version = (await cluster.client.list(CONFIG_MAPS)).resource_version
    async with watching(cluster, f"resourceVersion={version}&allowWatchBookmarks=true") as events:
        # Something else changes: the watch is told of the version, not of the object.
        other = await cluster.client.create(CONFIG_MAPS, config_map("x"), "default")
        event = await events.next()
        assert event == {
            "type": "BOOKMARK",
            "object": {
                "kind": "ConfigMap",
                "apiVersion": "v1",
                "metadata": {"resourceVersion": other["metadata"]["resourceVersion"], "creationTimestamp": None},
            },
        }


async def test_bookmarks_come_between_events_and_never_before_one(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wherry.apiserver.web.watching.BOOKMARK_SECONDS", 0.02)
    version = (await cluster.client.list(CONFIG_MAPS)).resource_version
    told = int(version)
    async with watching(cluster, f"resourceVersion={version}&allowWatchBookmarks=true") as events:
        made = marked = 0
        while marked < 3:
            await cluster.client.create(CONFIG_MAPS, config_map(f"c{made}"), "demo")
            made += 1
            while (event := await events.next()) is not None and event["type"] == "BOOKMARK":
                assert int(event["object"]["metadata"]["resourceVersion"]) >= told
                marked += 1
            assert event is not None
            assert int(event["object"]["metadata"]["resourceVersion"]) > told
            told = int(event["object"]["metadata"]["resourceVersion"])


async def test_without_bookmarks_a_quiet_watch_says_nothing(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wherry.apiserver.web.watching.BOOKMARK_SECONDS", 0.05)
    version = (await cluster.client.list(CONFIG_MAPS)).resource_version
    async with watching(cluster, f"resourceVersion={version}&timeoutSeconds=1") as events:
        assert await events.next() is None


async def test_many_watchers_share_one_encoding(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[Any] = []
    original = shapes.watched

    def counting(*args: Any) -> bytes:
        encoded.append(args)
        return original(*args)

    version = (await cluster.client.list(CONFIG_MAPS)).resource_version
    monkeypatch.setattr("wherry.apiserver.web.watching.shapes.watched", counting)
    query = f"resourceVersion={version}"
    async with watching(cluster, query) as one, watching(cluster, query) as two, watching(cluster, query) as three:
        await cluster.client.create(CONFIG_MAPS, config_map("a"), "demo")
        events = [await watch.next() for watch in (one, two, three)]
    assert events[0] == events[1] == events[2]
    assert events[0] is not None
    assert events[0]["type"] == "ADDED"
    assert len(encoded) == 1


async def test_a_client_that_goes_away_leaves_no_watch_behind(cluster: Cluster) -> None:
    kind = cluster.server.catalog.kind("", "configmaps")
    assert kind is not None
    open_watches = cluster.server.api.registry.state.collection(kind).watches
    before = len(open_watches)
    async with watching(cluster, "resourceVersion=1"):
        assert len(open_watches) == before + 1
    async with asyncio.timeout(5):
        while len(open_watches) != before:  # noqa: ASYNC110  # the server tells nobody
            await asyncio.sleep(0.01)
