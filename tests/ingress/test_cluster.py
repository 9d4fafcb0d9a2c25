"""What the controller sees of the cluster, with the rights it has, and what counts as a change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.fake.client import FakeClient
from tests.ingress.objects import endpoint_slice, ingress, rule, service
from wherry.component.component import Component
from wherry.ingress.cluster import Cluster
from wherry.ingress.options import Options
from wherry.objects.errors import Forbidden
from wherry.objects.resource import ENDPOINT_SLICES, INGRESS_CLASSES


@asynccontextmanager
async def seeing(client: FakeClient) -> AsyncIterator[Cluster]:
    component = Component("ingress", client)
    cluster = await Cluster.open(component, Options())
    async with asyncio.TaskGroup() as group:
        task = group.create_task(component.run())
        async with asyncio.timeout(5):
            await component.synced()
            while client.watching < len(component.informers):  # noqa: ASYNC110
                await asyncio.sleep(0)
        yield cluster
        task.cancel()


async def changed(cluster: Cluster) -> tuple[bool, set[tuple[str, str]]]:
    async with asyncio.timeout(20):
        await cluster.changed.wait()
    return cluster.take()


async def test_what_was_there_at_the_start_counts_as_changed() -> None:
    async with seeing(FakeClient(ingress(), service(), endpoint_slice("web", ("10.0.0.1", 80)))) as cluster:
        assert cluster.take() == (True, {("demo", "web")})
        assert not cluster.changed.is_set()
        assert len(cluster.snapshot().ingresses) == 1
        assert len(cluster.sources(("demo", "web"))) == 1


async def test_endpoints_touch_only_their_service() -> None:
    client = FakeClient(ingress(), service())
    async with seeing(client) as cluster:
        cluster.take()
        client.put(endpoint_slice("web", ("10.0.0.1", 80)))
        assert await changed(cluster) == (False, {("demo", "web")})
        client.remove(ENDPOINT_SLICES, "web-abc", "demo")
        assert await changed(cluster) == (False, {("demo", "web")})
        assert cluster.sources(("demo", "web")) == []


async def test_an_ingress_status_is_no_change_but_its_annotations_are() -> None:
    client = FakeClient(ingress())
    async with seeing(client) as cluster:
        cluster.take()
        client.put({**ingress(), "status": {"loadBalancer": {"ingress": [{"ip": "1.1.1.1"}]}}})
        await client.told()
        assert not cluster.changed.is_set()
        client.put(ingress(annotations={"ssl-redirect": "false"}))
        assert await changed(cluster) == (True, set())


async def test_endpoints_stand_in_where_slices_and_classes_are_forbidden() -> None:
    """The RBAC of ingress-nginx 0.30.0's manifest, which knows neither."""
    endpoints = {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": "web", "namespace": "demo"},
        "subsets": [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 8002}]}],
    }
    client = FakeClient(ingress("web", rule("a.test")), service(), endpoints)
    for resource in (ENDPOINT_SLICES, INGRESS_CLASSES):
        client.fail(Forbidden("not yours"), resource=resource, times=100)
    async with seeing(client) as cluster:
        assert cluster.snapshot().classes is None
        assert cluster.sources(("demo", "web"))[0]["kind"] == "Endpoints"
