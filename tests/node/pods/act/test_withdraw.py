"""Waiting until nobody sends a pod that ends new connections."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest

from tests.fake.client import FakeClient
from tests.node.build import UID, pod
from wherry.component.component import Component
from wherry.node.pods.act import withdraw
from wherry.node.pods.act.withdraw import EndpointWatch
from wherry.objects import Object


def piece(
    *, terminating: bool, ready: bool = False, uid: str = UID, manager: str = "endpointslice-controller.k8s.io"
) -> Object:
    conditions = {"ready": ready, "serving": True, "terminating": terminating}
    endpoint = {"addresses": ["10.244.1.7"], "conditions": conditions, "targetRef": {"kind": "Pod", "uid": uid}}
    labels = {"kubernetes.io/service-name": "web", "endpointslice.kubernetes.io/managed-by": manager}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "web-1", "namespace": "demo", "labels": labels},
        "addressType": "IPv4",
        "endpoints": [endpoint],
    }


running: list[asyncio.Task[None]] = []


@pytest.fixture
async def tasks() -> AsyncIterator[asyncio.TaskGroup]:
    async with asyncio.TaskGroup() as made:
        yield made
        while running:
            running.pop().cancel()


def following(client: FakeClient, tasks: asyncio.TaskGroup) -> Component:
    component = Component("test", client)
    running.append(tasks.create_task(component.run()))
    return component


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(withdraw, "QUIET_SECONDS", 0.01)


async def is_over(waiting: asyncio.Task[None]) -> bool:
    """Tell whether it has ended after everything that is to happen has."""
    await asyncio.wait([waiting], timeout=0.2)
    return waiting.done()


@pytest.mark.parametrize(
    "slices",
    [
        [],
        [piece(terminating=False, ready=True, uid="another")],
        [piece(terminating=False, ready=True, manager="somebody-else")],
    ],
)
async def test_a_pod_nobody_is_sent_to_waits_for_nobody(tasks: asyncio.TaskGroup, slices: list[Object]):
    await asyncio.wait_for(EndpointWatch(following(FakeClient(*slices), tasks)).withdrawn(pod(), lambda: 0), 5)


@pytest.mark.parametrize("published", [False, True])
async def test_it_waits_until_the_endpoint_is_told_as_terminating(tasks: asyncio.TaskGroup, published: bool):
    """Ready or not: a Service may publish its pods as ready to the end."""
    client = FakeClient(piece(terminating=False, ready=True))
    waiting = tasks.create_task(EndpointWatch(following(client, tasks)).withdrawn(pod(), lambda: 0))
    assert not await is_over(waiting)
    client.put(piece(terminating=True, ready=published))
    await asyncio.wait_for(waiting, 5)


async def test_it_waits_for_an_api_that_is_away(tasks: asyncio.TaskGroup):
    client = FakeClient(piece(terminating=True))
    client.stop()
    waiting = tasks.create_task(EndpointWatch(following(client, tasks)).withdrawn(pod(), lambda: 0))
    assert not await is_over(waiting)
    client.start()
    await asyncio.wait_for(waiting, 5)


async def test_pods_of_one_namespace_share_a_watch_that_ends_with_the_last(tasks: asyncio.TaskGroup):
    client = FakeClient(piece(terminating=False))
    watch = EndpointWatch(following(client, tasks))
    waiting = [tasks.create_task(watch.withdrawn(pod(), lambda: 0)) for _ in range(3)]
    assert not await is_over(waiting[0])
    assert client.watching == 1
    client.put(piece(terminating=True))
    await asyncio.wait_for(asyncio.gather(*waiting), 5)
    await asyncio.sleep(0)
    assert client.watching == 0


async def test_it_goes_on_serving_as_long_as_it_is_connected_to(tasks: asyncio.TaskGroup):
    """A proxy may be late: one that was busy, or has not found the API server again."""
    coming = itertools.chain(range(50), itertools.repeat(50))
    await EndpointWatch(following(FakeClient(piece(terminating=True)), tasks)).withdrawn(pod(), lambda: next(coming))
    assert next(coming) == 50


async def test_one_that_is_always_connected_to_ends_all_the_same(
    tasks: asyncio.TaskGroup, monkeypatch: pytest.MonkeyPatch
):
    """The last pod of a Service is sent connections to its end."""
    monkeypatch.setattr(withdraw, "LONGEST_LAST_SECONDS", 0.1)
    coming = itertools.count()
    waiting = EndpointWatch(following(FakeClient(piece(terminating=True)), tasks)).withdrawn(
        pod(), lambda: next(coming)
    )
    await asyncio.wait_for(waiting, 5)


async def test_it_waits_longer_for_who_is_late_where_another_pod_could_serve(
    tasks: asyncio.TaskGroup, monkeypatch: pytest.MonkeyPatch
):
    """A node's proxy that is being replaced goes on sending connections by its old rules."""
    monkeypatch.setattr(withdraw, "LONGEST_LAST_SECONDS", 0.01)
    both = piece(terminating=True)
    both["endpoints"] += piece(terminating=False, ready=True, uid="another")["endpoints"]
    late = True
    coming = itertools.count()
    watch = EndpointWatch(following(FakeClient(both), tasks))
    waiting = tasks.create_task(watch.withdrawn(pod(), lambda: next(coming) if late else 0))
    assert not await is_over(waiting)
    late = False
    await asyncio.wait_for(waiting, 5)
