"""Evictions: a pod goes when its budget lets it, and what that costs is written down first."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.harness import Cluster
from tests.apiserver.samples import pod
from wherry.objects import Object
from wherry.objects.errors import ApiError, NotFound, TooManyRequests
from wherry.objects.resource import POD_DISRUPTION_BUDGETS, PODS


async def running(cluster: Cluster, name: str, *, ready: bool = True, phase: str = "Running") -> None:
    await cluster.client.create(PODS, pod(name) | {"metadata": {"name": name, "labels": {"app": "web"}}}, "demo")
    status = {"phase": phase, "conditions": [{"type": "Ready", "status": str(ready)}]}
    await cluster.client.patch(PODS, name, {"status": status}, "demo", subresource="status")


async def budget(cluster: Cluster, allowed: int, *, name: str = "web", status: Any = None, **spec: Any) -> None:
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}} | spec
    made = await cluster.client.create(POD_DISRUPTION_BUDGETS, {"metadata": {"name": name}, "spec": spec}, "demo")
    seen = {"observedGeneration": made["metadata"]["generation"], "disruptionsAllowed": allowed}
    seen |= {"currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1} | (status or {})
    await cluster.client.patch(POD_DISRUPTION_BUDGETS, name, {"status": seen}, "demo", subresource="status")


async def evict(cluster: Cluster, name: str, **options: Any) -> Object:
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}} | options
    return await cluster.client.create(PODS, body, "demo", name=name, subresource="eviction")


async def left(cluster: Cluster, name: str = "web") -> Object:
    status: Object = (await cluster.client.get(POD_DISRUPTION_BUDGETS, name, "demo"))["status"]
    return status


async def is_there(cluster: Cluster, name: str) -> bool:
    try:
        return "deletionTimestamp" not in (await cluster.client.get(PODS, name, "demo"))["metadata"]
    except NotFound:
        return False


async def test_as_many_go_as_the_budget_allows_and_the_next_is_told_to_wait(cluster: Cluster) -> None:
    for name in ("a", "b"):
        await running(cluster, name)
    await budget(cluster, 1)
    await evict(cluster, "a")
    status = await left(cluster)
    assert status["disruptionsAllowed"] == 0
    assert list(status["disruptedPods"]) == ["a"]
    assert (status["conditions"][0]["type"], status["conditions"][0]["status"]) == ("DisruptionAllowed", "False")
    with pytest.raises(TooManyRequests) as refused:
        await evict(cluster, "b")
    assert refused.value.message == "Cannot evict pod as it would violate the pod's disruption budget."
    (cause,) = (refused.value.details or {})["causes"]
    assert cause == {
        "reason": "DisruptionBudget",
        "message": "The disruption budget web needs 1 healthy pods and has 1 currently",
    }
    assert not await is_there(cluster, "a")
    assert await is_there(cluster, "b")


async def test_a_budget_nobody_has_looked_at_lets_nobody_go_and_says_when_to_ask_again(cluster: Cluster) -> None:
    await running(cluster, "a")
    await budget(cluster, 5, status={"observedGeneration": 0})
    path = "/api/v1/namespaces/demo/pods/a/eviction"
    code, headers, answer = await cluster.request("POST", path, {"kind": "Eviction", "apiVersion": "policy/v1"})
    assert (code, headers["retry-after"]) == (429, "10")
    assert "still being processed" in answer["details"]["causes"][0]["message"]
    assert await is_there(cluster, "a")


@pytest.mark.parametrize("phase", ["Pending", "Succeeded", "Failed"])
async def test_who_disrupts_nobody_goes_free(cluster: Cluster, phase: str) -> None:
    await running(cluster, "a", phase=phase, ready=False)
    await budget(cluster, 0)
    await evict(cluster, "a")
    assert not await is_there(cluster, "a")
    assert "disruptedPods" not in await left(cluster)


@pytest.mark.parametrize(
    ("policy", "healthy", "goes"),
    [
        ("IfHealthyBudget", 1, True),
        ("IfHealthyBudget", 0, False),
        (None, 1, True),
        (None, 0, False),
        ("AlwaysAllow", 0, True),
    ],
)
async def test_a_pod_that_is_not_ready_goes_by_the_budgets_policy(
    cluster: Cluster, policy: str | None, healthy: int, goes: bool
) -> None:
    await running(cluster, "a", ready=False)
    await budget(cluster, 0, status={"currentHealthy": healthy}, unhealthyPodEvictionPolicy=policy)
    if goes:
        await evict(cluster, "a")
    else:
        with pytest.raises(TooManyRequests):
            await evict(cluster, "a")
    assert await is_there(cluster, "a") is not goes


async def test_a_dry_run_takes_nothing_and_is_refused_alike(cluster: Cluster) -> None:
    await running(cluster, "a")
    await budget(cluster, 1)
    path = "/api/v1/namespaces/demo/pods/a/eviction?dryRun=All"
    body = {"kind": "Eviction", "apiVersion": "policy/v1"}
    assert (await cluster.request("POST", path, body))[0] == 201
    assert (await left(cluster))["disruptionsAllowed"] == 1
    assert await is_there(cluster, "a")
    await cluster.client.patch(
        POD_DISRUPTION_BUDGETS, "web", {"status": {"disruptionsAllowed": 0}}, "demo", subresource="status"
    )
    assert (await cluster.request("POST", path, body))[0] == 429


async def test_two_budgets_about_one_pod_are_an_error_and_cost_nothing(cluster: Cluster) -> None:
    await running(cluster, "a")
    for name in ("web", "more"):
        await budget(cluster, 1, name=name)
    with pytest.raises(ApiError, match="more than one PodDisruptionBudget") as refused:
        await evict(cluster, "a")
    assert refused.value.code == 500
    assert [(await left(cluster, name))["disruptionsAllowed"] for name in ("web", "more")] == [1, 1]


async def test_a_budget_of_another_namespace_or_other_pods_counts_for_nothing(cluster: Cluster) -> None:
    await running(cluster, "a")
    await budget(cluster, 0, selector={"matchLabels": {"app": "db"}})
    await evict(cluster, "a")
    assert not await is_there(cluster, "a")
