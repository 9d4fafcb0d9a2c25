"""Clients that let the server wait are let go, and whoever does nothing wrong is not."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path

import pytest

from tests.apiserver.harness import Cluster
from tests.attacks.raw import Raw, connect, head
from wherry.apiserver.web.patience import Patience
from wherry.objects.resource import CONFIG_MAPS

PATH = "/api/v1/namespaces/default/configmaps"
SHORT = Patience(handshake=1.0, head=1.0, idle=1.0, body=1.0, unread=1.0, stream=1.0)
ENDURING = 60.0
"""Seconds: no test takes so long, so what has so much patience never ends by itself."""


def impatient(directory: Path, **seconds: float) -> Cluster:
    """Return a server that has much patience, but for what is named."""
    all_long = dict.fromkeys(("handshake", "head", "idle", "body", "unread", "stream"), ENDURING)
    return Cluster(directory, patience=Patience(**{**all_long, **seconds}))


async def gone(client: Raw) -> bytes:
    """Return what still came; fails where the connection stays open."""
    async with asyncio.timeout(20):
        return await client.closed()


async def test_who_never_begins_to_speak_tls_is_let_go(tmp_path: Path) -> None:
    async with impatient(tmp_path, handshake=0.2) as cluster:
        clients = [Raw(*await asyncio.open_connection(*cluster.sock.getsockname())) for _ in range(20)]
        clients[0].writer.write(b"\x16\x03\x01\x02\x00")  # half a ClientHello
        for client in clients:
            await gone(client)
            client.writer.close()


async def test_who_never_ends_a_head_is_let_go(tmp_path: Path) -> None:
    async with impatient(tmp_path, head=0.2) as cluster:
        client = await connect(cluster)

        async def trickle() -> None:
            with contextlib.suppress(ConnectionError):
                client.writer.write(b"GET /version HTTP/1.1\r\nHost: attack\r\nX-Slow: ")
                while True:
                    client.writer.write(b"x")
                    await client.writer.drain()
                    await asyncio.sleep(0.02)

        trickling = asyncio.create_task(trickle())
        assert await gone(client) == b""
        trickling.cancel()
        client.writer.close()


async def test_a_second_head_that_never_ends_is_let_go_as_well(tmp_path: Path) -> None:
    async with impatient(tmp_path, head=1.0) as cluster:
        client = await connect(cluster)
        client.writer.write(head("GET", "/version"))
        assert await client.status() == 200
        client.writer.write(b"GET /ver")
        assert b"goVersion" in await gone(client)
        client.writer.close()


async def test_a_head_without_end_is_cut(tmp_path: Path) -> None:
    """Many lines, each as long as a line may be, cost memory before anybody knows who asks."""
    async with impatient(tmp_path) as cluster:
        client = await connect(cluster)
        client.writer.write(b"GET /version HTTP/1.1\r\nHost: attack\r\n")
        with contextlib.suppress(ConnectionError):
            for i in range(100):
                client.writer.write(b"X-%d: %s\r\n" % (i, b"x" * 60_000))
                await client.writer.drain()
        await gone(client)
        client.writer.close()


async def test_who_asks_for_nothing_is_let_go(tmp_path: Path) -> None:
    async with impatient(tmp_path, idle=1.0) as cluster:
        silent, asked = await connect(cluster), await connect(cluster)
        asked.writer.write(head("GET", "/version"))
        assert await asked.status() == 200
        assert b"goVersion" in await gone(asked)
        assert await gone(silent) == b""
        silent.writer.close()
        asked.writer.close()


async def test_who_never_sends_the_body_it_announced_is_let_go(tmp_path: Path) -> None:
    async with impatient(tmp_path, body=0.2) as cluster:
        client = await connect(cluster, "admin")
        client.writer.write(head("POST", PATH, Content_Length="1000", Content_Type="application/json") + b"{")
        await gone(client)
        client.writer.close()


async def test_a_body_that_trickles_takes_a_time_that_has_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wherry.apiserver.web.bodies.BODY_SECONDS", 0.3)
    async with impatient(tmp_path, body=ENDURING) as cluster:
        client = await connect(cluster, "admin")
        client.writer.write(head("POST", PATH, Content_Length="1000", Content_Type="application/json"))

        async def trickle() -> None:
            with contextlib.suppress(ConnectionError):
                for _ in range(999):
                    client.writer.write(b" ")
                    await client.writer.drain()
                    await asyncio.sleep(0.02)

        trickling = asyncio.create_task(trickle())
        async with asyncio.timeout(15):
            assert await client.status() == 504
        trickling.cancel()
        client.writer.close()


async def unread(cluster: Cluster, path: str) -> Raw:
    """Ask for something and never read it, with a small window."""
    client = await connect(cluster, "admin", limit=1024)
    sock = client.writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.writer.write(head("GET", path))
    await client.writer.drain()
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # that of TLS has it
    return client


async def open_connections(cluster: Cluster) -> int:
    server = cluster.server._listener._server
    assert server is not None
    return len(server.connections)


async def until_nobody_is_connected(cluster: Cluster) -> None:
    async with asyncio.timeout(20):
        while await open_connections(cluster):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def fill(cluster: Cluster, count: int = 12) -> None:
    """Store more than the buffers of a connection hold."""
    for i in range(count):
        body = {"metadata": {"name": f"large-{i}"}, "data": {"x": "x" * 900_000}}
        await cluster.client.create(CONFIG_MAPS, body, "default")


@pytest.mark.parametrize("query", ["", "?watch=1", "?watch=1&resourceVersion=0"])
async def test_who_reads_neither_its_list_nor_its_watch_is_let_go(tmp_path: Path, query: str) -> None:
    async with impatient(tmp_path, unread=0.3) as cluster:
        await fill(cluster)
        clients = [await unread(cluster, PATH + query) for _ in range(3)]
        await until_nobody_is_connected(cluster)
        kind = cluster.server.catalog.kind("", "configmaps")
        assert kind is not None
        assert not len(cluster.server.api.registry.state.collection(kind).watches)
        for client in clients:
            client.writer.transport.abort()


async def test_who_stops_reading_a_watch_that_goes_on_is_let_go(tmp_path: Path) -> None:
    async with impatient(tmp_path, unread=0.3) as cluster:
        client = await unread(cluster, f"{PATH}?watch=1")
        await cluster.watched(CONFIG_MAPS)
        await fill(cluster)
        await until_nobody_is_connected(cluster)
        client.writer.transport.abort()


async def test_a_quiet_watch_and_a_slow_but_steady_reader_stay(tmp_path: Path) -> None:
    async with Cluster(tmp_path, patience=SHORT) as cluster:
        quiet = await connect(cluster, "admin")
        quiet.writer.write(head("GET", f"{PATH}?watch=1"))
        assert await quiet.status() == 200
        await cluster.watched(CONFIG_MAPS)
        await fill(cluster, 3)
        slow = await connect(cluster, "admin", limit=1 << 16)
        slow.writer.write(head("GET", PATH))
        assert await slow.status() == 200
        size = 0
        async with asyncio.timeout(30):
            while size < 2_700_000:
                part = await slow.reader.read(1 << 16)
                assert part, f"let go after {size} bytes"
                size += len(part)
                await asyncio.sleep(0.05)
            seen = b""
            while b"large-2" not in seen:
                seen = await quiet.reader.read(1 << 16)
                assert seen
        await asyncio.sleep(SHORT.unread * 3)
        await cluster.client.create(CONFIG_MAPS, {"metadata": {"name": "last"}}, "default")
        async with asyncio.timeout(10):
            while b'"last"' not in seen:
                part = await quiet.reader.read(1 << 16)
                assert part, "the quiet watch was let go"
                seen = seen[-100:] + part
        quiet.writer.close()
        slow.writer.close()


async def test_hundreds_of_silent_clients_harm_nobody_and_go(tmp_path: Path) -> None:
    """In plain TCP, since their handshakes would be work for this machine; none of them ever says a word."""
    async with impatient(tmp_path, handshake=2.0) as cluster:
        loop = asyncio.get_running_loop()
        silent = [socket.socket() for _ in range(400)]
        for one in silent:
            one.setblocking(False)
            await loop.sock_connect(one, cluster.sock.getsockname())
        assert (await cluster.request("GET", "/version"))[0] == 200
        for one in silent:
            async with asyncio.timeout(20):
                with contextlib.suppress(ConnectionError):
                    assert await loop.sock_recv(one, 1) == b""
            one.close()
