"""`wherry proxy` as a process of its own, over HTTP, in a node's network namespace, with real traffic."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import yaml

from tests.apiserver.accounts import addon_objects, answered, create, grant, token_kubeconfig
from tests.apiserver.harness import Cluster
from tests.client.front import Front
from tests.fake.client import FakeClient
from tests.proxy.build import (
    CLUSTER_CIDR,
    CLUSTER_IP,
    NODE_ADDRESS,
    PODS,
    SERVICE_CIDR,
    endpoint,
    endpoint_slice,
    node,
    service,
    unready,
)
from tests.proxy.cases import NODE_PORT
from tests.proxy.families import told_in
from tests.proxy.outcome import REJECT, Outcome, masqueraded_to, to
from tests.proxy.world import World, small_world
from wherry.objects import Object
from wherry.objects.family import Family, bracketed, network
from wherry.objects.resource import ENDPOINT_SLICES, SERVICES

pytestmark = pytest.mark.kernel

WHERRY = (sys.executable, "-m", "wherry")
WEB = service(ports=[{"port": 80, "nodePort": NODE_PORT}], type="NodePort")


@pytest.fixture(scope="module", params=Family)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with small_world(request.param) as made:
        yield made


async def wherry(*args: str, within: tuple[str, ...] = ()) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(*within, *WHERRY, *args, stdout=asyncio.subprocess.PIPE)


@contextlib.asynccontextmanager
async def proxy(
    kubeconfig: Path, cluster_cidr: str, *more: str, within: tuple[str, ...] = ()
) -> AsyncIterator[asyncio.subprocess.Process]:
    told = f"--kubeconfig={kubeconfig}", "--hostname-override=n1", f"--cluster-cidr={cluster_cidr}"
    process = await wherry("proxy", *told, *more, within=within)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(true):  # noqa: ASYNC110 - a condition in a test, of no event
            await asyncio.sleep(0.02)


def healthy() -> bool:
    """Whether a proxy says here that it has programmed everything."""
    try:
        with urllib.request.urlopen("http://127.0.0.1:10256/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_a_service_works_while_the_proxy_runs_and_after_it(world: World, tmp_path: Path) -> None:
    """Through start, change, kill -9, start again, SIGTERM and --cleanup."""

    told = partial(told_in, world.family)
    node_address, cidr = told(NODE_ADDRESS), told(CLUSTER_CIDR)

    def node_port() -> Outcome:
        return world.send("client", node_address, NODE_PORT)

    def cluster_ip(tries: int = 6) -> Outcome:
        return world.send("host", told(CLUSTER_IP), 80, tries=tries)

    def slice_of(entry: Object) -> Object:
        return told(endpoint_slice([entry]))

    async def scenario() -> None:
        client = FakeClient(told(node()), told(WEB), slice_of(endpoint("p1")))
        async with Front(client) as front:
            kubeconfig = tmp_path / "kubeconfig"
            kubeconfig.write_text(yaml.safe_dump(config(front.base)))
            async with proxy(kubeconfig, cidr) as process:
                await until(lambda: node_port() == masqueraded_to("p1"))
                client.put(slice_of(unready("p1")))
                await until(lambda: node_port() == REJECT)
                client.put(slice_of(endpoint("p2")))
                await until(lambda: cluster_ip() == masqueraded_to("p2"))
                flush = await asyncio.create_subprocess_exec("nft", "flush", "ruleset")
                assert await flush.wait() == 0
                await until(lambda: cluster_ip(1) == masqueraded_to("p2"))
                process.kill()
            assert cluster_ip() == masqueraded_to("p2")
            client.put(slice_of(endpoint("r1")))
            async with proxy(kubeconfig, cidr) as process:
                await until(lambda: cluster_ip() == masqueraded_to("r1"))
                process.send_signal(signal.SIGTERM)
                assert await asyncio.wait_for(process.wait(), 60) == 0
            assert cluster_ip() == masqueraded_to("r1")
            shown = await wherry("proxy", "plan", f"--kubeconfig={kubeconfig}", "--node=n1", "--nft")
            output = (await shown.communicate())[0].decode()
            shown_as = f"{bracketed(node_address)}:{NODE_PORT}/TCP -> {bracketed(told(PODS['r1']))}:8080;"
            assert f"NodePort     {shown_as}" in output
            assert f"add element {world.family.nft} wherry-proxy services {{" in output
            await (await wherry("proxy", "--cleanup")).wait()
            assert node_port() == REJECT  # by the node itself, where nobody listens

    world.inside("host", scenario)


def test_a_proxy_in_userspace_comes_and_goes_and_no_new_connection_fails(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From nftables and back, by ending one process and starting another; but for kill -9, as nobody relays then."""
    monkeypatch.setattr("tests.proxy.world.TIMEOUT_SECONDS", 10)  # a busy machine is no failure

    told = partial(told_in, world.family)
    outcomes: set[str] = set()
    calling = True

    def cluster_ip() -> Outcome:
        return world.send("p3", told(CLUSTER_IP), 80)

    def call() -> None:
        while calling:
            outcomes.add(str(cluster_ip()))

    async def end(process: asyncio.subprocess.Process) -> None:
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 60) == 0

    async def scenario() -> None:
        nonlocal calling
        async with Front(FakeClient(told(node()), told(WEB), told(endpoint_slice([endpoint("p1")])))) as front:
            kubeconfig, cidr = tmp_path / "kubeconfig", told(CLUSTER_CIDR)
            kubeconfig.write_text(yaml.safe_dump(config(front.base)))
            async with proxy(kubeconfig, cidr) as process:
                await until(lambda: cluster_ip() == to("p1"))
                caller = asyncio.create_task(asyncio.to_thread(call))
                await end(process)
            for _ in range(2):
                async with proxy(kubeconfig, cidr, "--proxy-mode=userspace") as process:
                    await until(lambda: cluster_ip() == masqueraded_to("p1"))
                    await end(process)
            async with proxy(kubeconfig, cidr) as process:
                await until(healthy)
                assert cluster_ip() == to("p1")
                calling = False
                await caller
                await end(process)
            assert outcomes == {str(to("p1")), str(masqueraded_to("p1"))}
            async with proxy(kubeconfig, cidr, "--proxy-mode=userspace") as process:
                await until(lambda: cluster_ip() == masqueraded_to("p1"))
                process.kill()
                await process.wait()
                assert cluster_ip() == REJECT
            async with proxy(kubeconfig, cidr, "--proxy-mode=userspace") as process:
                await until(lambda: cluster_ip() == masqueraded_to("p1"))
            await (await wherry("proxy", "--cleanup")).wait()

    world.inside("host", scenario)


def test_without_any_privilege_node_ports_work_and_the_rest_is_named(
    world: World, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    told = partial(told_in, world.family)
    within = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")

    async def scenario() -> None:
        async with Front(FakeClient(told(node()), told(WEB), told(endpoint_slice([endpoint("r1")])))) as front:
            kubeconfig = tmp_path / "kubeconfig"
            kubeconfig.write_text(yaml.safe_dump(config(front.base)))
            mode = "--proxy-mode=userspace"
            async with proxy(kubeconfig, told(CLUSTER_CIDR), mode, within=within) as process:
                await until(lambda: world.send("client", told(NODE_ADDRESS), NODE_PORT) == masqueraded_to("r1"))
                process.send_signal(signal.SIGTERM)
                assert await asyncio.wait_for(process.wait(), 60) == 0
            named = f"these are not served: {bracketed(told(CLUSTER_IP))}:80/TCP of demo/web ("
            assert named in capfd.readouterr().err

    world.inside("host", scenario)


def test_it_works_with_the_rights_of_its_manifest_on_a_real_api_server(world: World, tmp_path: Path) -> None:
    """Over HTTPS, known by a token; the API server is in the node's namespace, as the control plane is."""

    told = partial(told_in, world.family)

    def node_port() -> Outcome:
        return world.send("client", told(NODE_ADDRESS), NODE_PORT)

    async def scenario() -> None:
        before = answered(403)
        async with Cluster(tmp_path, service_cidrs=(network(told(SERVICE_CIDR)),)) as cluster:
            await grant(cluster, [o for o in addon_objects() if o["metadata"]["name"].endswith("kube-proxy")])
            kubeconfig = await token_kubeconfig(cluster, tmp_path, "kube-system", "kube-proxy")
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "demo"}}
            await create(cluster, [told(node()), namespace, told(WEB), told(endpoint_slice([endpoint("p1")]))])
            async with proxy(kubeconfig, told(CLUSTER_CIDR)) as process:
                await until(lambda: node_port() == masqueraded_to("p1"))
                for name, code in (("n1", 0), ("n2", 1)):
                    shown = await wherry("proxy", "plan", f"--kubeconfig={kubeconfig}", f"--node={name}")
                    assert await shown.wait() == code
                await cluster.client.update(ENDPOINT_SLICES, told(endpoint_slice([endpoint("p2")])))
                await until(lambda: node_port() == masqueraded_to("p2"))
                await cluster.client.delete(SERVICES, "web", "demo")
                await until(lambda: node_port() == REJECT)
                process.send_signal(signal.SIGTERM)
                assert await asyncio.wait_for(process.wait(), 60) == 0
        assert answered(403) == before
        await (await wherry("proxy", "--cleanup")).wait()

    world.inside("host", scenario)


def config(server: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
