"""`wherry dns` as a process of its own, against a real API server over HTTPS.

It has a ServiceAccount's token, and just the rights and the Corefile of the addon's manifest.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import cluster as objects
import dns.asyncquery
import dns.exception
import dns.message
import dns.rcode
import pytest
from ports import HOST, free_port

from tests.apiserver.accounts import addon_objects, answered, create, grant, token_kubeconfig
from tests.apiserver.harness import Cluster
from wherry.objects.resource import ENDPOINT_SLICES, SERVICES

ROOT = Path(__file__).parents[2]
NAME = "mysql.demo.svc.cluster.local"


class Process:
    """A running `wherry dns`, and where it listens."""

    def __init__(self, directory: Path, corefile: str, lameduck: str = "1s"):
        self.dns, self.ready, self.health, self.metrics = (free_port() for _ in range(4))
        upstream = directory / "resolv.conf"
        upstream.write_text(f"nameserver {HOST}\n")  # nobody is there
        for old, new in (
            (":53 {", f":{self.dns} {{"),
            ("health {", f"health {HOST}:{self.health} {{"),
            ("ready", f"ready {HOST}:{self.ready}"),
            ("prometheus :9153", f"prometheus {HOST}:{self.metrics}"),
            ("/etc/resolv.conf", str(upstream)),
            ("lameduck 5s", f"lameduck {lameduck}"),
        ):
            assert old in corefile
            corefile = corefile.replace(old, new)
        self.corefile = directory / "Corefile"
        self.corefile.write_text(corefile)
        self.log = ""

    async def start(self, kubeconfig: Path) -> None:
        arguments = ("dns", f"--kubeconfig={kubeconfig}", "-conf", str(self.corefile), "--bind", HOST)
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "wherry", *arguments, stderr=asyncio.subprocess.PIPE, cwd=ROOT
        )
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.log += line.decode()

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(self.process.wait(), 60)
        await self._reading
        assert code == 0, self.log

    async def ask(self, name: str, type: str = "A") -> dns.message.Message | None:
        try:
            return await dns.asyncquery.udp(dns.message.make_query(name, type), HOST, port=self.dns, timeout=5)
        except (OSError, dns.exception.DNSException):
            return None

    async def addresses(self, name: str) -> list[str]:
        response = await self.ask(name)
        return sorted(r.to_text() for s in response.answer for r in s) if response else []

    async def get(self, port: int, path: str) -> tuple[int, str]:
        try:
            async with aiohttp.ClientSession() as session, session.get(f"http://{HOST}:{port}{path}") as answer:
                return answer.status, await answer.text()
        except aiohttp.ClientError:
            return 0, ""

    async def is_ready(self) -> bool:
        assert self.process.returncode is None, self.log
        return (await self.get(self.ready, "/ready"))[0] == 200


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await condition():  # noqa: ASYNC110 - a condition in another process
            await asyncio.sleep(0.02)


@asynccontextmanager
async def cluster_of(directory: Path) -> AsyncIterator[Cluster]:
    async with Cluster(directory) as cluster:
        await create(cluster, ({**obj, "apiVersion": r.api_version, "kind": r.kind} for r, obj in objects.OBJECTS))
        yield cluster


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    (tmp_path / "server").mkdir()
    async with cluster_of(tmp_path / "server") as cluster:
        yield cluster


@asynccontextmanager
async def started(cluster: Cluster, directory: Path, lameduck: str = "1s") -> AsyncIterator[Process]:
    manifest = addon_objects()
    await grant(cluster, manifest)
    (config,) = [o for o in manifest if o["kind"] == "ConfigMap" and o["metadata"]["name"] == "coredns"]
    process = Process(directory, config["data"]["Corefile"], lameduck)
    await process.start(await token_kubeconfig(cluster, directory, "kube-system", "coredns"))
    try:
        await until(process.is_ready)
        yield process
    finally:
        await process.stop()


async def test_the_addon_answers_with_the_rights_of_its_manifest(cluster: Cluster, tmp_path: Path) -> None:
    before = answered(403)
    async with started(cluster, tmp_path) as process:
        assert await process.addresses(NAME) == ["10.100.42.154"]
        assert await process.addresses("headless.demo.svc.cluster.local") == ["10.244.1.2", "10.244.2.3"]
        await cluster.client.delete(SERVICES, "mysql", "demo")

        async def gone() -> bool:
            response = await process.ask(NAME)
            return response is not None and response.rcode() == dns.rcode.NXDOMAIN

        await until(gone)
        more = objects.slice_of("headless", objects.endpoint("10.244.3.3"), suffix="2")
        await cluster.client.create(ENDPOINT_SLICES, more, "demo")

        async def grown() -> bool:
            return "10.244.3.3" in await process.addresses("headless.demo.svc.cluster.local")

        await until(grown)
        outside = await process.ask("example.org")
        assert outside is not None
        assert outside.rcode() == dns.rcode.SERVFAIL
        assert (await process.get(process.health, "/health"))[0] == 200
        assert "coredns_dns_requests_total{" in (await process.get(process.metrics, "/metrics"))[1]
    assert answered(403) == before


async def test_it_goes_on_answering_while_the_api_server_is_away(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    async with cluster_of(tmp_path / "server") as cluster, started(cluster, tmp_path) as process:
        await cluster.server.stop()
        assert await process.addresses(NAME) == ["10.100.42.154"]
        assert await process.is_ready()


async def test_it_serves_through_its_lame_duck_time(cluster: Cluster, tmp_path: Path) -> None:
    async with started(cluster, tmp_path, "4s") as process:
        process.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            while "stopping" not in process.log:  # noqa: ASYNC110 - a line of another process
                await asyncio.sleep(0.01)
        assert await process.addresses(NAME) == ["10.100.42.154"]
        assert await process.get(process.ready, "/ready") == (503, "stopping")
        await process.process.wait()


async def test_before_the_cluster_is_known_it_is_not_ready_and_says_servfail(cluster: Cluster, tmp_path: Path) -> None:
    mine = [o for o in addon_objects() if o["metadata"]["name"] == "coredns"]
    await grant(cluster, [o for o in mine if o["kind"] == "ServiceAccount"])  # no rights, so it never knows
    (config,) = [o for o in mine if o["kind"] == "ConfigMap"]
    process = Process(tmp_path, config["data"]["Corefile"])
    await process.start(await token_kubeconfig(cluster, tmp_path, "kube-system", "coredns"))
    try:

        async def answers() -> bool:
            response = await process.ask(NAME)
            return response is not None and response.rcode() == dns.rcode.SERVFAIL

        await until(answers)
        assert await process.get(process.ready, "/ready") == (503, "kubernetes")
    finally:
        await process.stop()
