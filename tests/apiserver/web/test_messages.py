"""Logs and watches over a WebSocket, as conformance's "retrieving logs over websockets" and browsers read them."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import msgspec
import pytest

from tests.apiserver.harness import Cluster
from tests.apiserver.samples import config_map
from tests.apiserver.web.connect.test_streams import kubelet  # noqa: F401 - a fixture
from wherry.objects.resource import CONFIG_MAPS

LOG = "/api/v1/namespaces/demo/pods/a/log"
WATCH = "/api/v1/namespaces/demo/configmaps?watch=1"


@asynccontextmanager
async def websocket(cluster: Cluster, path: str, *protocols: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    context = ssl.create_default_context(cafile=str(cluster.directory / "ca.crt"))
    context.load_cert_chain(cluster.directory / "admin.crt", cluster.directory / "admin.key")
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session,
        session.ws_connect(f"{cluster.url}{path}", protocols=protocols) as socket,
    ):
        yield socket


async def messages(socket: aiohttp.ClientWebSocketResponse) -> list[bytes | str]:
    async with asyncio.timeout(5):
        return [message.data async for message in socket]


@pytest.mark.usefixtures("kubelet")
async def test_a_log_comes_in_binary_messages_after_an_empty_one(cluster: Cluster) -> None:
    async with websocket(cluster, f"{LOG}?follow=true", "binary.k8s.io") as socket:
        assert socket.protocol == "binary.k8s.io"
        first, *rest = await messages(socket)
        assert first == b""
        assert b"".join(rest) == b"one\ntwo\n"  # type: ignore[arg-type]
    assert socket.close_code == 1000


@pytest.mark.usefixtures("kubelet")
async def test_or_in_base64_for_who_asks_for_that(cluster: Cluster) -> None:
    async with websocket(cluster, LOG, "base64.binary.k8s.io") as socket:
        first, *rest = await messages(socket)
        assert first == ""
        assert b"".join(map(base64.b64decode, rest)) == b"one\n"


@pytest.mark.usefixtures("kubelet")
async def test_who_names_no_protocol_gets_binary(cluster: Cluster) -> None:
    async with websocket(cluster, LOG) as socket:
        assert b"".join(await messages(socket)) == b"one\n"  # type: ignore[arg-type]


async def test_what_is_refused_is_refused_before_the_handshake(cluster: Cluster) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with websocket(cluster, LOG, "binary.k8s.io"):
            pass
    assert refused.value.status == 404


async def test_a_watch_sends_an_event_in_each_message_and_ends_with_its_time(cluster: Cluster) -> None:
    for name in ("a", "b"):
        await cluster.client.create(CONFIG_MAPS, config_map(name), "demo")
    async with websocket(cluster, f"{WATCH}&timeoutSeconds=1") as socket:
        events = [msgspec.json.decode(text) for text in await messages(socket)]
    names = [e["object"]["metadata"]["name"] for e in events if e["type"] == "ADDED"]
    assert names[-2:] == ["a", "b"]
    assert socket.close_code == 1000


async def test_a_client_that_closes_ends_its_quiet_watch(cluster: Cluster) -> None:
    kind = cluster.server.catalog.kind("", "configmaps")
    assert kind is not None
    watches = cluster.server.api.registry.state.collection(kind).watches
    before = len(watches)
    async with websocket(cluster, WATCH) as socket:
        await cluster.client.create(CONFIG_MAPS, config_map("c"), "demo")
        async with asyncio.timeout(5):
            await socket.receive()
        assert len(watches) == before + 1
    async with asyncio.timeout(5):
        while len(watches) > before:  # noqa: ASYNC110 - the server's own, seen from outside
            await asyncio.sleep(0.01)
