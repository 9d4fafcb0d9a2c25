"""The running proxy, on the fake API server and a mode that only takes notes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from tests.fake.client import FakeClient
from tests.freeports import free_port
from tests.proxy.build import NODE_ADDRESS, endpoint, endpoint_slice, node, service, unready
from wherry.objects.resource import ENDPOINT_SLICES, EVENTS, NODES, SERVICES
from wherry.proxy import component, modes
from wherry.proxy.config import ProxyConfig
from wherry.proxy.modes import ModeError
from wherry.proxy.plan import Change, Plan
from wherry.telemetry import metrics


class NotingMode:
    """A `Mode` without a kernel. `broken` makes so many of the next calls fail."""

    def __init__(self) -> None:
        self.plan = Plan()
        self.loads = 0
        self.changes: list[Change] = []
        self.broken = 0
        self.damage: list[str] = []
        self.proofs = 0
        self.suspect: Callable[[], None] = lambda: None
        self.working = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def load(self, plan: Plan) -> None:
        assert self.working, "a mode may need what it has at work"
        self._fail()
        self.loads += 1
        self.damage = []
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

    async def differences(self, plan: Plan) -> list[str]:
        self._fail()
        self.proofs += 1
        assert plan == self.plan
        return self.damage

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


def told(client: FakeClient, reason: str) -> str:
    """Return what the Events of a reason say."""
    return " ".join(e["message"] for e in client.peek_all(EVENTS) if e["reason"] == reason)


def sample(name: str, **labels: str) -> float:
    return metrics.registry.get_sample_value(name, labels) or 0.0


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


async def test_rules_another_has_changed_are_loaded_again_and_that_is_told(mode: NotingMode) -> None:
    client = FakeClient(node(), service(), endpoint_slice([endpoint("p1")]))
    async with running(client, mode):
        await until(lambda: mode.loads == 1)
        mode.suspect()
        await until(lambda: mode.proofs == 1)
        client.put(endpoint_slice([endpoint("r1")]))
        await until(lambda: mode.endpoints == ["10.244.1.5:8080"])
        assert mode.loads == 1, "a suspicion alone changes nothing"
        mode.damage = ["2 elements of services"]
        mode.suspect()
        await until(lambda: mode.loads == 2)
        await until(lambda: "(2 elements of services)" in told(client, "RulesRepaired"))
        mode.broken = 1
        mode.suspect()
        await until(lambda: mode.loads == 3)


async def test_the_whole_plan_is_proven_once_in_a_period(mode: NotingMode) -> None:
    before = sample("wherry_proxy_proofs_total", outcome="drifted")
    async with running(FakeClient(node(), service()), mode, sync_period=0.02):
        await until(lambda: mode.proofs >= 3)
        assert mode.loads == 1
        mode.damage = ["chain dispatch"]
        await until(lambda: mode.loads == 2)
    assert sample("wherry_proxy_proofs_total", outcome="drifted") == before + 1


async def test_without_a_period_nothing_is_proven_that_nobody_suspects(mode: NotingMode) -> None:
    async with running(FakeClient(node(), service()), mode, sync_period=0.0):
        await until(lambda: mode.loads == 1)
        await asyncio.sleep(0.05)
        assert mode.proofs == 0


async def test_an_address_somebody_has_is_told_and_taken_once_free(
    mode: NotingMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(component, "TAKEN_SECONDS", 0.01)
    client = FakeClient(node(), service())
    taken = socket.create_server(("127.0.0.1", 0))
    address = f"127.0.0.1:{taken.getsockname()[1]}"
    async with running(client, mode, healthz_bind_address=address), aiohttp.ClientSession() as session:
        await until(lambda: mode.loads == 1)
        await until(lambda: address in told(client, "FailedToStartProxierHealthcheck"))
        taken.close()
        async with asyncio.timeout(5):
            while True:
                with contextlib.suppress(aiohttp.ClientConnectionError):
                    async with session.get(f"http://{address}/livez") as answer:
                        assert answer.status == 200
                        break
                await asyncio.sleep(0.01)


async def test_what_makes_no_sense_is_told_by_event_and_metric_until_it_is_mended(mode: NotingMode) -> None:
    client = FakeClient(node(), service(externalIPs=["here"]), endpoint_slice([endpoint("p1")]))
    async with running(client, mode):
        await until(lambda: "externalIPs: 'here' is no address" in told(client, "LeftOut"))
        assert mode.endpoints == ["10.244.0.5:8080*"]
        assert sample("wherry_proxy_services_left_out") == 1
        client.put(service())
        await until(lambda: sample("wherry_proxy_services_left_out") == 0)


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
    assert {c.verb for c in client.calls if c.resource != EVENTS} <= {"get", "list", "watch"}
    assert {c.resource for c in client.calls} <= {SERVICES, ENDPOINT_SLICES, NODES, EVENTS}


async def test_node_ports_follow_the_machines_addresses(mode: NotingMode, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the kernel tells of them, when ranges of addresses are asked for."""
    there, news = {"10.1.0.7", "127.0.0.1"}, asyncio.Event()

    async def changes() -> AsyncIterator[None]:
        while True:
            yield
            await news.wait()
            news.clear()

    monkeypatch.setattr(component.addresses, "local", lambda without: set(there))
    monkeypatch.setattr(component.addresses, "changes", changes)
    client = FakeClient(node(), service(ports=[{"port": 80, "nodePort": 30080}], type="NodePort"))

    def answered() -> set[str]:
        return {frontend.address for frontend in mode.plan.routes if frontend.port == 30080}

    async with running(client, mode, node_port_addresses="10.0.0.0/8"):
        await until(lambda: answered() == {"10.1.0.7"})
        there.add("10.2.0.7")
        news.set()
        await until(lambda: answered() == {"10.1.0.7", "10.2.0.7"})


async def test_health_follows_the_first_load_and_the_node(mode: NotingMode) -> None:
    client = FakeClient(node(), service())
    port = free_port()
    mode.broken = 1_000_000
    async with running(client, mode, healthz_bind_address=f"127.0.0.1:{port}"), aiohttp.ClientSession() as session:

        async def status(path: str) -> int:
            async with session.get(f"http://127.0.0.1:{port}{path}") as answer:
                return answer.status

        async def said() -> str:
            async with session.get(f"http://127.0.0.1:{port}/proxyMode") as answer:
                return f"{answer.status} {await answer.text()}"

        await until(lambda: mode.broken < 1_000_000)
        assert (await status("/healthz"), await status("/livez")) == (503, 200)
        assert await said() == "503 nftables: broken"
        mode.broken = 0
        await until(lambda: mode.loads == 1)
        await asyncio.sleep(0)
        assert (await status("/healthz"), await status("/livez")) == (200, 200)
        assert await said() == "200 nftables"
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


@pytest.mark.parametrize("name", ["ebpf", "nonsense"])
def test_a_mode_that_is_not_there_is_refused_by_name(name: str) -> None:
    with pytest.raises(modes.UnsupportedMode, match=name):
        component.make_mode(config(mode=name))
