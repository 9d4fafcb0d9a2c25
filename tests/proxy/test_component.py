"""The running proxy, on the fake API server and a mode that only takes notes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from tests.fake.client import FakeClient
from tests.proxy.build import NODE_ADDRESS, endpoint, endpoint_slice, node, service, unready
from wherry.objects.resource import ENDPOINT_SLICES, NODES, SERVICES
from wherry.proxy import component, modes
from wherry.proxy.config import ProxyConfig
from wherry.proxy.modes import ModeError
from wherry.proxy.plan import Change, Plan


class NotingMode:
    """A `Mode` without a kernel. `broken` makes so many of the next calls fail."""

    def __init__(self) -> None:
        self.plan = Plan()
        self.loads = 0
        self.changes: list[Change] = []
        self.broken = 0
        self.gone = False
        self.suspect: Callable[[], None] = lambda: None
        self.working = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def load(self, plan: Plan) -> None:
        assert self.working, "a mode may need what it has at work"
        self._fail()
        self.loads += 1
        self.gone = False
        self.plan = plan

    async def apply(self, change: Change) -> None:
        await self.gate.wait()
        self._fail()
        self.changes.append(change)
        routes = {**self.plan.routes, **{f: after for f, (_, after) in change.routes.items() if after}}
        gone = {f for f, (_, after) in change.routes.items() if after is None}
        self.plan = Plan({f: r for f, r in routes.items() if f not in gone})

    async def cleanup(self) -> None:
        raise AssertionError("the rules outlive the proxy")

    async def intact(self) -> bool:
        self._fail()
        return not self.gone

    @contextlib.asynccontextmanager
    async def at_work(self, suspect: Callable[[], None]) -> AsyncIterator[None]:
        self.suspect = suspect
        self.working = True
        try:
            yield
        finally:
            self.working = False

    def render(self, plan: Plan) -> str:
        return str(plan)

    def _fail(self) -> None:
        if self.broken:
            self.broken -= 1
            raise ModeError("broken")

    @property
    def endpoints(self) -> list[str]:
        return [str(e) for r in self.plan.routes.values() for e in r.inside.endpoints]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - a condition in a test, of no event
            await asyncio.sleep(0.005)


def config(**fields: object) -> ProxyConfig:
    quiet = {"metrics_bind_address": "", "healthz_bind_address": "", "sync_min_period": 0.0}
    return ProxyConfig(node_name="n1", **{**quiet, **fields})  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def running(client: FakeClient, mode: NotingMode, **fields: object) -> AsyncIterator[None]:
    task = asyncio.create_task(component.run(client, config(**fields), mode))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def mode(monkeypatch: pytest.MonkeyPatch) -> NotingMode:
    monkeypatch.setattr(component, "FIRST_RETRY_SECONDS", 0.001)
    monkeypatch.setattr(component, "LONGEST_RETRY_SECONDS", 0.001)
    return NotingMode()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_the_first_load_has_services_and_slices_both(mode: NotingMode) -> None:
    client = FakeClient(node(), service(), endpoint_slice([endpoint("p1")]))
    async with running(client, mode):
        await until(lambda: mode.loads == 1)
        assert mode.endpoints == ["10.244.0.5:8080*"]


async def test_the_mode_is_at_work_as_long_as_the_proxy_is(mode: NotingMode) -> None:
    async with running(FakeClient(node()), mode):
        await until(lambda: mode.loads == 1)
        assert mode.working
    assert not mode.working


async def test_a_change_is_applied_without_a_load(mode: NotingMode) -> None:
    client = FakeClient(node(), service(), endpoint_slice([endpoint("p1")]))
    async with running(client, mode):
        await until(lambda: mode.loads == 1)
        client.put(endpoint_slice([endpoint("p1"), endpoint("r1")]))
        await until(lambda: len(mode.endpoints) == 2)
        client.remove(SERVICES, "web", "demo")
        await until(lambda: not mode.plan.routes)
        assert mode.loads == 1


async def test_changes_gather_while_one_is_under_way(mode: NotingMode) -> None:
    client = FakeClient(node(), service(), endpoint_slice([endpoint("p1")]))
    async with running(client, mode):
        await until(lambda: mode.loads == 1)
        await asyncio.sleep(0)
        mode.changes.clear()
        mode.gate.clear()
        for pod in ("p2", "p3", "r1"):
            client.put(endpoint_slice([endpoint(pod)]))
            await asyncio.sleep(0.01)
        mode.gate.set()
        await until(lambda: mode.endpoints == ["10.244.1.5:8080"])
        assert len([c for c in mode.changes if c.routes]) == 2


async def test_an_error_loads_the_whole_plan_until_it_works(mode: NotingMode) -> None:
    client = FakeClient(node(), service(), endpoint_slice([endpoint("p1")]))
    async with running(client, mode):
        await until(lambda: mode.loads == 1)
        mode.broken = 3
        client.put(endpoint_slice([endpoint("r1")]))
        await until(lambda: mode.loads == 2)
        assert mode.endpoints == ["10.244.1.5:8080"]


async def test_rules_deleted_by_another_are_loaded_again(mode: NotingMode) -> None:
    client = FakeClient(node(), service(), endpoint_slice([endpoint("p1")]))
    async with running(client, mode):
        await until(lambda: mode.loads == 1)
        mode.suspect()
        client.put(endpoint_slice([endpoint("r1")]))
        await until(lambda: mode.endpoints == ["10.244.1.5:8080"])
        assert mode.loads == 1, "a suspicion alone changes nothing"
        mode.gone = True
        mode.suspect()
        await until(lambda: mode.loads == 2)
        mode.broken = 1
        mode.suspect()
        await until(lambda: mode.loads == 3)


async def test_it_goes_on_when_the_api_server_was_away(mode: NotingMode) -> None:
    client = FakeClient(node(), service(), endpoint_slice([endpoint("p1")]))
    async with running(client, mode):
        await until(lambda: mode.loads == 1)
        client.stop()
        client.put(endpoint_slice([unready("p1")]))
        client.start()
        await until(lambda: not mode.endpoints)


async def test_node_ports_come_with_the_node(mode: NotingMode) -> None:
    client = FakeClient(service(ports=[{"port": 80, "nodePort": 30080}], type="NodePort"))
    async with running(client, mode):
        await until(lambda: mode.loads == 1)
        assert NODE_ADDRESS not in {f.address for f in mode.plan.routes}
        client.put(node())
        await until(lambda: NODE_ADDRESS in {f.address for f in mode.plan.routes})


async def test_it_only_reads_what_its_role_allows(mode: NotingMode) -> None:
    client = FakeClient(node(), service(), endpoint_slice([endpoint("p1")]))
    async with running(client, mode):
        await until(lambda: mode.loads == 1)
    assert {c.verb for c in client.calls} <= {"get", "list", "watch"}
    assert {c.resource for c in client.calls} <= {SERVICES, ENDPOINT_SLICES, NODES}


async def test_health_follows_the_first_load_and_the_node(mode: NotingMode) -> None:
    client = FakeClient(node(), service())
    port = free_port()
    mode.broken = 1_000_000
    async with running(client, mode, healthz_bind_address=f"127.0.0.1:{port}"), aiohttp.ClientSession() as session:

        async def status(path: str) -> int:
            async with session.get(f"http://127.0.0.1:{port}{path}") as answer:
                return answer.status

        await until(lambda: mode.broken < 1_000_000)
        assert (await status("/healthz"), await status("/livez")) == (503, 200)
        mode.broken = 0
        await until(lambda: mode.loads == 1)
        await asyncio.sleep(0)
        assert (await status("/healthz"), await status("/livez")) == (200, 200)
        going = node()
        going["spec"] = {"taints": [{"key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule"}]}
        client.put(going)
        async with asyncio.timeout(5):
            while await status("/healthz") != 503:  # noqa: ASYNC110 - it is the answer that is waited for
                await asyncio.sleep(0.005)
        assert await status("/livez") == 200


async def test_metrics_have_upstreams_names(mode: NotingMode) -> None:
    piece = endpoint_slice([endpoint("p1")])
    piece["metadata"]["annotations"] = {"endpoints.kubernetes.io/last-change-trigger-time": "2026-01-01T00:00:00Z"}
    port = free_port()
    async with running(FakeClient(node(), service(), piece), mode, metrics_bind_address=f"127.0.0.1:{port}"):
        await until(lambda: mode.loads == 1)
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as answer:
            text = await answer.text()
    for name in (
        "sync_proxy_rules_duration_seconds_count",
        "network_programming_duration_seconds_count",
        "sync_proxy_rules_endpoint_changes_total",
        "sync_proxy_rules_last_timestamp_seconds",
    ):
        (value,) = [line.split()[1] for line in text.splitlines() if line.startswith(f"kubeproxy_{name} ")]
        assert float(value) >= 1


async def test_a_health_check_port_counts_local_endpoints(mode: NotingMode) -> None:
    port = free_port()
    balanced = service(type="LoadBalancer", externalTrafficPolicy="Local", healthCheckNodePort=port)
    client = FakeClient(node(), balanced, endpoint_slice([endpoint("p1"), endpoint("r1")]))
    async with running(client, mode), aiohttp.ClientSession() as session:

        async def ask() -> tuple[int, int]:
            async with session.get(f"http://127.0.0.1:{port}/") as answer:
                return answer.status, (await answer.json())["localEndpoints"]

        await until(lambda: mode.loads == 1)
        async with asyncio.timeout(5):
            while True:
                with contextlib.suppress(aiohttp.ClientConnectionError):
                    assert await ask() == (200, 1)
                    break
                await asyncio.sleep(0.005)
        client.put(endpoint_slice([endpoint("r1")]))
        async with asyncio.timeout(5):
            while await ask() != (503, 0):  # noqa: ASYNC110 - it is the answer that is waited for
                await asyncio.sleep(0.005)


@pytest.mark.parametrize("name", ["ipvs", "iptables", "userspace", "ebpf", "nonsense"])
def test_a_mode_that_is_not_there_is_refused_by_name(name: str) -> None:
    with pytest.raises(modes.UnsupportedMode, match=name):
        component.make_mode(config(mode=name))
