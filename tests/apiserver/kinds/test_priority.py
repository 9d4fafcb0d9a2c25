"""A pod's priority is its class's, and there is one default."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.harness import Cluster
from tests.apiserver.samples import pod
from wherry.objects import Object
from wherry.objects.errors import Forbidden, Invalid
from wherry.objects.resource import PODS, PRIORITY_CLASSES


async def make(cluster: Cluster, name: str, value: int, **fields: Any) -> Object:
    return await cluster.client.create(PRIORITY_CLASSES, {"metadata": {"name": name}, "value": value, **fields})


async def made(cluster: Cluster, name: str, **spec: Any) -> Object:
    obj = pod(name)
    spec_: Object = (await cluster.client.create(PODS, obj | {"spec": obj["spec"] | spec}, "demo"))["spec"]
    return spec_


async def test_a_class_gives_its_value_and_its_policy(cluster: Cluster) -> None:
    await make(cluster, "high", 1000, preemptionPolicy="Never")
    spec = await made(cluster, "a", priorityClassName="high")
    assert (spec["priority"], spec["preemptionPolicy"]) == (1000, "Never")
    spec = await made(cluster, "b")
    assert (spec["priority"], spec["preemptionPolicy"]) == (0, "PreemptLowerPriority")
    assert "priorityClassName" not in spec


async def test_every_cluster_has_the_two_of_the_system(cluster: Cluster) -> None:
    spec = await made(cluster, "a", priorityClassName="system-node-critical")
    assert spec["priority"] == 2_000_001_000


async def test_the_default_is_for_pods_that_name_none_and_there_is_one(cluster: Cluster) -> None:
    await make(cluster, "usual", 7, globalDefault=True)
    spec = await made(cluster, "a")
    assert (spec["priority"], spec["priorityClassName"]) == (7, "usual")
    with pytest.raises(Forbidden, match="usual is already marked as default"):
        await make(cluster, "other", 8, globalDefault=True)


async def test_what_a_pod_says_itself_must_be_what_its_class_says(cluster: Cluster) -> None:
    with pytest.raises(Forbidden, match=r"\(5\) must not be provided in pod spec.* computed 0"):
        await made(cluster, "a", priority=5)
    with pytest.raises(Forbidden, match=r"\(Never\) must not be provided in pod spec"):
        await made(cluster, "a", preemptionPolicy="Never")
    with pytest.raises(Forbidden, match="no PriorityClass with name nosuch was found"):
        await made(cluster, "a", priorityClassName="nosuch")


async def test_a_value_never_changes(cluster: Cluster) -> None:
    obj = await make(cluster, "high", 1000)
    with pytest.raises(Invalid, match="may not be changed in an update"):
        await cluster.client.update(PRIORITY_CLASSES, obj | {"value": 1001})
