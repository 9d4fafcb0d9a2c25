"""A running server takes a changed Corefile, and nobody who asks notices."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import cluster
import dns.asyncquery
import dns.message
import dns.rcode
import pytest
from ports import HOST, free_port

from tests.fake.client import FakeClient
from wherry.dns import component
from wherry.dns.instance import DnsConfig

COREFILE = """.:{port} {{
    kubernetes cluster.local {{
        ttl {ttl}
    }}
    {more}
}}"""
NAME = "mysql.demo.svc.cluster.local"


class Running:
    """A server, and the clients it made."""

    def __init__(self, directory: Path):
        self.corefile = directory / "Corefile"
        self.port = free_port()
        self.clients: list[FakeClient] = []
        self.stopped = False

    def write(self, ttl: int, more: str = "") -> None:
        self.corefile.write_text(COREFILE.format(port=self.port, ttl=ttl, more=more))

    def connect(self) -> FakeClient:
        client = self.clients[-1] if self.clients else None
        assert client is not None
        return client

    async def ttl(self, *, tcp: bool = False) -> int:
        ask = dns.asyncquery.tcp if tcp else dns.asyncquery.udp
        response = await ask(dns.message.make_query(NAME, "A"), HOST, port=self.port, timeout=5)
        assert response.rcode() == dns.rcode.NOERROR
        return int(response.answer[0].ttl)


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[Running]:
    made = Running(directory)
    made.clients.append(await cluster.fake())
    made.write(10)
    task = asyncio.create_task(component.run(made.connect, DnsConfig(made.corefile, HOST)))
    async with asyncio.timeout(5):
        while not await answers(made):  # noqa: ASYNC110 - it is the answer that is waited for
            await asyncio.sleep(0.01)
    yield made
    task.cancel()
    async with asyncio.timeout(5):
        await asyncio.wait([task])


async def answers(made: Running) -> bool:
    try:
        return bool(await made.ttl(tcp=True))
    except (OSError, AssertionError):
        return False


async def reloaded(made: Running, ttl: int) -> None:
    os.kill(os.getpid(), signal.SIGUSR1)
    async with asyncio.timeout(5):
        while await made.ttl() != ttl:  # noqa: ASYNC110 - every answer on the way is a good one
            await asyncio.sleep(0)


async def test_every_query_during_a_reload_is_answered(tmp_path: Path) -> None:
    async with running(tmp_path) as made:
        for ttl in (20, 30, 40):
            made.write(ttl)
            await reloaded(made, ttl)


async def test_the_old_corefile_serves_until_the_new_one_knows_the_cluster(tmp_path: Path) -> None:
    async with running(tmp_path) as made:
        made.clients.append(away := await cluster.fake())
        away.stop()
        made.write(20)
        os.kill(os.getpid(), signal.SIGUSR1)
        for _ in range(50):
            assert await made.ttl() == 10
        away.start()
        await reloaded(made, 20)


@pytest.mark.parametrize("more", ["nonsense", "kubernetes a b {", f"prometheus {HOST}:{{taken}}"])
async def test_a_corefile_that_cannot_serve_is_not_taken(
    tmp_path: Path, more: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path) as made:
        taken = await asyncio.start_server(lambda r, w: None, HOST, 0)
        made.write(20, more.format(taken=taken.sockets[0].getsockname()[1]) if "taken" in more else more)
        os.kill(os.getpid(), signal.SIGUSR1)
        async with asyncio.timeout(5):
            while "is not taken" not in caplog.text:
                assert await made.ttl() == 10
        made.write(30)
        await reloaded(made, 30)
        taken.close()


async def test_an_open_connection_is_not_left_with_the_old_corefile(tmp_path: Path) -> None:
    async with running(tmp_path) as made:
        reader, writer = await asyncio.open_connection(HOST, made.port)
        made.write(20)
        await reloaded(made, 20)
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()
