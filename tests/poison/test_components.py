"""A store full of nonsense, written past every check: every component lives, and does its work for everything else."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.apiserver.harness import Cluster
from tests.controllers.test_with_api_server import node, pretend_to_run_pods, workload
from tests.dns.test_component_chaos import plugin
from tests.fake.chaos import Chaos
from tests.poison import nonsense
from tests.proxy.test_component_chaos import FailingMode
from wherry.apiserver.kinds import KINDS
from wherry.apiserver.storage.interface import Write
from wherry.apiserver.storage.sqlite.store import SqliteStorage
from wherry.client.interface import Client
from wherry.controllers import manager
from wherry.controllers.config import ControllersConfig
from wherry.node.routes import wanted
from wherry.objects import Object, metadata
from wherry.objects.errors import NotFound
from wherry.objects.meaning.wellknown import SERVICE_NAME
from wherry.objects.metadata import is_being_deleted
from wherry.objects.resource import (
    CONFIG_MAPS,
    DAEMON_SETS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    EVENTS,
    NAMESPACES,
    NODES,
    PODS,
    SERVICE_ACCOUNTS,
    SERVICES,
)
from wherry.proxy import component as proxy
from wherry.proxy.config import ProxyConfig
from wherry.scheduler import run as scheduler
from wherry.scheduler.config import SchedulerConfig

PATIENCE_SECONDS = 60.0


class Life:
    """All components that need no kernel, on the server of a cluster."""

    def __init__(self, cluster: Cluster):
        self.cluster = cluster
        self.client: Client = cluster.client
        self.mode = FailingMode(Chaos(0, calls=0.0, reads=0.0))
        self.mode.chaos.calm()
        self.dns, self.dns_troubles = plugin(self.client)
        self.controllers = manager.make(self.client, ControllersConfig("PEM"))
        self.scheduler = scheduler.make(self.client, SchedulerConfig())
        self.routes: dict[str, str] = {}

    @contextlib.asynccontextmanager
    async def lived(self) -> AsyncIterator[Life]:
        config = ProxyConfig(node_name="n1", metrics_bind_address="", healthz_bind_address="")
        work = {
            "controllers": self.controllers.run(),
            "scheduler": self.scheduler.run(),
            "proxy": proxy.run(self.client, config, self.mode),
            "pods": pretend_to_run_pods(self.client),
        }
        tasks = [asyncio.create_task(coroutine, name=name) for name, coroutine in work.items()]
        await self.dns.start()
        try:
            yield self
        finally:
            dead = [task for task in tasks if task.done()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.dns.stop()
        assert not dead, dead

    async def until(self, what: str, holds: Any) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not await holds():  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{what}; {self.troubles()}") from None

    def troubles(self) -> str:
        told = (self.controllers.troubles, self.scheduler.troubles, self.dns_troubles)
        return "\n".join(filter(None, (troubles.check() for troubles in told)))


async def prepared(cluster: Cluster) -> None:
    """Make two nodes and a namespace, and wait for what controllers make of them."""
    life = Life(cluster)
    async with life.lived():
        for name in ("n1", "n2"):
            made = await life.client.create(NODES, node(name))
            addresses = [{"type": "InternalIP", "address": f"192.168.51.{name[1]}"}]
            status = node(name)["status"] | {"addresses": addresses}
            status["allocatable"] |= {"pods": "70000"}  # a workload of 65,536 pods makes sense, and may not fill them
            await life.client.update(NODES, made | {"status": status}, subresource="status")
        await life.client.create(NAMESPACES, {"metadata": {"name": "demo"}})

        async def account() -> bool:
            return bool((await life.client.list(SERVICE_ACCOUNTS, "demo")).items)

        await life.until("no account", account)


async def poison(store: Path, objects: list[Object], *others: Write) -> None:
    storage = SqliteStorage(store)
    await storage.open()
    for write in (*map(nonsense.write_of, objects), *others):
        await storage.commit([write])
    await storage.close()


async def serves(life: Life, name: str) -> None:
    """Make a workload with a Service among the nonsense, and see it through, to its end."""
    client = life.client
    with contextlib.suppress(NotFound):
        await client.get(NAMESPACES, "demo")
    ports = [{"port": 80, "targetPort": 8002}]
    wanted_service = {"metadata": {"name": name}, "spec": {"selector": {"app": "web"}, "ports": ports}}
    service = await client.create(SERVICES, wanted_service, "demo")
    both = {"metadata": {"name": f"{name}-mixed"}, "spec": {"selector": nonsense.MIXED, "ports": ports}}
    await client.create(SERVICES, both, "demo")
    made = workload("Deployment", replicas=2)
    made["metadata"]["name"] = name
    made["spec"]["template"]["metadata"]["labels"] |= nonsense.MIXED
    await client.create(DEPLOYMENTS, made, "demo")
    made = workload("DaemonSet")
    made["metadata"]["name"] = name
    await client.create(DAEMON_SETS, made, "demo")

    async def complete() -> bool:
        found = await client.get(DEPLOYMENTS, name, "demo")
        daemons = await client.get(DAEMON_SETS, name, "demo")
        ready = (daemons.get("status") or {}).get("numberReady", 0)
        return (found.get("status") or {}).get("availableReplicas") == 2 and ready >= 2

    await life.until(f"workloads of {name} are not complete", complete)

    async def routed() -> bool:
        address = service["spec"]["clusterIP"]
        return any(f.address == address and r.inside.endpoints for f, r in life.mode.plan.routes.items())

    await life.until(f"the proxy does not route {name}", routed)

    async def mixed() -> bool:
        pods = (await client.list(PODS, "demo", labels="app=web,mixed=yes")).items
        slices = (await client.list(ENDPOINT_SLICES, "demo")).items
        mine = [s for s in slices if metadata.labels(s).get(SERVICE_NAME) == f"{name}-mixed"]
        listed = {e["addresses"][0] for s in mine for e in s.get("endpoints") or ()}
        return bool(pods) and all((p.get("status") or {}).get("podIP") in listed for p in pods)

    await life.until(f"good pods are not behind {name}-mixed", mixed)

    async def resolved() -> bool:
        found = life.dns.records.find((name, "demo", "svc"), "A")
        return [str(ip_address(r.data)) for r in found.records] == [service["spec"]["clusterIP"]]

    await life.until(f"DNS does not know {name}", resolved)
    await client.create(CONFIG_MAPS, {"metadata": {"name": name}, "data": {"a": "b"}}, "demo")
    await client.patch(CONFIG_MAPS, name, {"data": {"a": "c"}}, "demo")
    await client.delete(SERVICES, f"{name}-mixed", "demo")
    for resource in (DEPLOYMENTS, DAEMON_SETS, SERVICES, CONFIG_MAPS):
        await client.delete(resource, name, "demo")

    async def gone() -> bool:
        pods = (await client.list(PODS, "demo")).items
        mine = [p for p in pods if p["metadata"]["name"].startswith(f"{name}-") and not is_being_deleted(p)]
        slices = (await client.list(ENDPOINT_SLICES, "demo")).items
        return not mine and not any(metadata.labels(s).get(SERVICE_NAME) == name for s in slices)

    await life.until(f"what belonged to {name} is not collected", gone)


async def readable(cluster: Cluster) -> None:
    """Every kind can be listed, as objects and as rows."""
    table = "application/json;as=Table;v=v1;g=meta.k8s.io"
    for kind in KINDS:
        for resource in kind.resources:
            path = f"/apis/{resource.api_version}" if resource.group else "/api/v1"
            for accept in ("application/json", table):
                status, _, body = await cluster.request("GET", f"{path}/{resource.plural}", Accept=accept)
                assert status == 200, (resource, accept, body)


async def one_bad_day(directory: Path, seed: int) -> None:
    directory.mkdir()
    store, dice = directory / "state.db", Random(seed)
    async with Cluster(directory, storage=store) as cluster:
        await prepared(cluster)
    await poison(store, list(nonsense.objects(dice, 150, "demo")))
    async with Cluster(directory, storage=store) as cluster:
        life = Life(cluster)
        async with life.lived():
            await serves(life, "early")
            await serves(life, "later")
            await readable(cluster)
            for frontend, route in life.mode.plan.routes.items():
                for address in (frontend.address, *(e.address for e in route.inside.endpoints)):
                    assert str(ip_address(address)) == address
            nodes = (await life.client.list(NODES)).items
            for cidr, via in wanted(nodes, "n1").items():
                assert "/" in cidr
                assert str(ip_address(via)) == via


@settings(max_examples=2, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_every_component_works_among_nonsense(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    asyncio.run(one_bad_day(tmp_path_factory.mktemp("poison") / "cluster", seed))


def test_a_service_whose_address_is_none_claims_nothing_and_keeps_no_server_from_starting(tmp_path: Path) -> None:
    """A claim is stored under its address: one with a slash in it would be under no object's key."""

    async def scenario() -> None:
        store = tmp_path / "state.db"
        async with Cluster(tmp_path, storage=store) as cluster:
            await cluster.client.create(NAMESPACES, {"metadata": {"name": "demo"}})
        service = next(o for o in nonsense.valid() if o["kind"] == "Service")
        spec = {"type": "ClusterIP", "clusterIP": "10.0.0.1/8", "clusterIPs": ["10.0.0.1/8"], "ports": [{"port": 80}]}
        bad = nonsense.named(service, 1, nonsense.kind_of(service), "demo") | {"spec": spec}
        await poison(store, [bad])
        async with Cluster(tmp_path, storage=store) as cluster:
            await cluster.client.delete(SERVICES, "odd-1", "demo")

    asyncio.run(asyncio.wait_for(scenario(), 60))


def test_what_is_stored_and_not_valid_is_named_at_the_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        store = tmp_path / "state.db"
        async with Cluster(tmp_path, storage=store) as cluster:
            await cluster.client.create(NODES, node("good"))
        bad = nonsense.named(nonsense.valid_of("Node"), 1, nonsense.kind_of(nonsense.valid_of("Node")), "")
        bad["status"] = {"addresses": [{"type": "InternalIP", "address": "garbage"}]}
        await poison(store, [bad])
        async with Cluster(tmp_path, storage=store) as cluster:
            while not (events := (await cluster.client.list(EVENTS, "default")).items):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert events[0]["reason"] == "InvalidObject"
        assert events[0]["involvedObject"]["name"] == "odd-1"
        assert 'status.addresses[0].address: Invalid value: "garbage"' in events[0]["message"]

    asyncio.run(asyncio.wait_for(scenario(), 60))
    (told,) = [r.getMessage() for r in caplog.records if "is served as it is" in r.getMessage()]
    assert "key=odd-1" in told
    assert 'status.addresses[0].address: Invalid value: "garbage"' in told


def test_what_is_no_object_is_named_set_aside_and_missed_by_nobody_else(tmp_path: Path) -> None:
    """Values of any type anywhere, bytes that are no JSON, keys that mean nothing."""

    async def scenario() -> None:
        store, dice = tmp_path / "state.db", Random(7)
        async with Cluster(tmp_path, storage=store) as cluster:
            await prepared(cluster)
        objects = list(nonsense.shapeless(dice, 100, "demo"))
        await poison(store, objects, *(Write(key, b"\xff{", 0) for key in ("x", "/core/pods/demo/bytes", "/a/b/c/d/e")))
        async with Cluster(tmp_path, storage=store) as cluster:
            life = Life(cluster)
            async with life.lived():
                await serves(life, "web")
                await readable(cluster)
        aside = {str(f.relative_to(tmp_path / "damaged")) for f in (tmp_path / "damaged").rglob("*") if f.is_file()}
        assert "core/pods/demo/bytes" in aside
        assert len(aside) > 20

    asyncio.run(scenario())
