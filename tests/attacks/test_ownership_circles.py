"""Objects that own one another in circles are collected, and the API answers meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.apiserver.harness import Cluster
from wherry.client.interface import Client
from wherry.component.workqueue import WorkQueue
from wherry.controllers import manager
from wherry.controllers.config import ControllersConfig
from wherry.controllers.garbagecollector.controller import GarbageCollector
from wherry.objects import Object
from wherry.objects.errors import ApiError
from wherry.objects.resource import CONFIG_MAPS, NAMESPACES

Edges = list[tuple[str, str]]
"""(dependent, owner)."""


def ring(size: int) -> Edges:
    return [(f"c{i}", f"c{(i + 1) % size}") for i in range(size)]


CIRCLES: dict[str, Edges] = {
    "itself": [("c0", "c0")],
    "two": ring(2),
    "three": ring(3),
    "three, the other way round": [(owner, dependent) for dependent, owner in ring(3)],
    "thirty": ring(30),
    "crossing in one": [*ring(3), ("d1", "c0"), ("d2", "d1"), ("c0", "d2")],
    "an eight with a tail": [*ring(3), ("c0", "d0"), ("d0", "c0"), ("tail", "c2"), ("end", "tail")],
}


@contextlib.asynccontextmanager
async def collecting(directory: Path) -> AsyncIterator[Client]:
    async with Cluster(directory) as cluster:
        client = cluster.client
        for name in ("demo", "other"):
            await client.create(NAMESPACES, {"metadata": {"name": name}})
        settings = ControllersConfig(ca_pem="pem")
        async with asyncio.TaskGroup() as group:
            collector = manager.make(client, settings, controllers=(GarbageCollector,))
            task = group.create_task(collector.run())
            yield client
            task.cancel()


async def make(client: Client, edges: Edges, *, blocking: bool = True, namespace: str = "demo") -> None:
    names = {name for edge in edges for name in edge}
    made = {name: await client.create(CONFIG_MAPS, {"metadata": {"name": name}}, namespace) for name in sorted(names)}
    for name in sorted(names):
        owners = [_reference(made[owner], blocking) for dependent, owner in edges if dependent == name]
        await client.patch(CONFIG_MAPS, name, {"metadata": {"ownerReferences": owners}}, namespace)


def _reference(owner: Object, blocking: bool) -> Object:
    meta = owner["metadata"]
    block = {"blockOwnerDeletion": True} if blocking else {}
    return {"apiVersion": "v1", "kind": "ConfigMap", "name": meta["name"], "uid": meta["uid"]} | block


async def gone(client: Client, namespace: str = "demo") -> None:
    async with asyncio.timeout(20):
        while (await client.list(CONFIG_MAPS, namespace)).items:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("blocking", [True, False])
@pytest.mark.parametrize("edges", CIRCLES.values(), ids=CIRCLES)
async def test_a_circle_deleted_in_the_foreground_goes_whole(tmp_path: Path, edges: Edges, blocking: bool) -> None:
    async with collecting(tmp_path) as client:
        await make(client, edges, blocking=blocking)
        await client.delete(CONFIG_MAPS, "c0", "demo", propagation_policy="Foreground")
        await gone(client)


@pytest.mark.parametrize("policy", ["Foreground", "Background"])
async def test_a_circle_whose_members_are_all_deleted_at_once_goes_whole(tmp_path: Path, policy: str) -> None:
    async with collecting(tmp_path) as client:
        await make(client, ring(3))
        for name in ("c0", "c1", "c2"):
            with contextlib.suppress(ApiError):
                await client.delete(CONFIG_MAPS, name, "demo", propagation_policy=policy)
        await gone(client)


async def test_where_everyone_owns_everyone_one_goes_alone_and_the_rest_when_all_are_deleted(tmp_path: Path) -> None:
    names = ["c0", "c1", "c2", "c3", "c4"]
    async with collecting(tmp_path) as client:
        await make(client, list(itertools.permutations(names, 2)))
        await client.delete(CONFIG_MAPS, "c0", "demo", propagation_policy="Foreground")
        async with asyncio.timeout(20):
            while len(left := (await client.list(CONFIG_MAPS, "demo")).items) > 4:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert [o["metadata"]["name"] for o in left] == names[1:]  # each has an owner that is alive
        for name in names[1:]:
            with contextlib.suppress(ApiError):
                await client.delete(CONFIG_MAPS, name, "demo", propagation_policy="Foreground")
        await gone(client)


async def test_a_chain_deleted_in_the_foreground_still_goes_from_its_end(tmp_path: Path) -> None:
    chain = [("c1", "c0"), ("c2", "c1"), ("c3", "c2")]
    async with collecting(tmp_path) as client:
        await make(client, chain)
        seen: list[str] = []

        async def listen() -> None:
            async for event in client.watch(CONFIG_MAPS, "demo"):
                if event.type == "DELETED":
                    seen.append(event.object["metadata"]["name"])

        listening = asyncio.create_task(listen())
        await client.delete(CONFIG_MAPS, "c0", "demo", propagation_policy="Foreground")
        await gone(client)
        listening.cancel()
        assert seen == ["c3", "c2", "c1", "c0"][: len(seen)]
        assert len(seen) >= 3


async def test_a_reference_from_another_namespace_costs_nobody_but_itself(tmp_path: Path) -> None:
    """The owner is looked for at a dependent's side; that it is not there says nothing about other dependents."""
    async with collecting(tmp_path) as client:
        owner = await client.create(CONFIG_MAPS, {"metadata": {"name": "owner"}}, "demo")
        owned = {"ownerReferences": [_reference(owner, True)]}
        await client.create(CONFIG_MAPS, {"metadata": {"name": "thief"} | owned}, "other")
        await gone(client, "other")
        await client.create(CONFIG_MAPS, {"metadata": {"name": "child"} | owned}, "demo")
        await client.create(CONFIG_MAPS, {"metadata": {"name": "last"} | owned}, "other")
        await gone(client, "other")
        left = {o["metadata"]["name"] for o in (await client.list(CONFIG_MAPS, "demo")).items}
        assert left == {"owner", "child"}


async def test_keys_that_never_end_starve_nobody() -> None:
    queue: WorkQueue[str] = WorkQueue("endless")
    turns = 0
    started = time.monotonic()

    async def again(key: str) -> None:
        nonlocal turns
        turns += 1
        assert time.monotonic() - started < 20, "nobody else had a turn"
        queue.add(key)

    queue.add("a")
    queue.add("b")
    working = asyncio.create_task(queue.run(again, 2))
    for _ in range(100):
        await asyncio.sleep(0)
    working.cancel()
    assert 2 <= turns <= 1000
