"""Autoscaling: what use asks for, how fast that is followed, and that a Deployment is scaled by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.controllers.builders import NOW, Clock, deployment, pod, running, until
from tests.fake.client import FakeClient
from wherry.controllers.autoscaling import pace, usage
from wherry.controllers.autoscaling.controller import HorizontalPodAutoscalerController
from wherry.controllers.autoscaling.pace import Memory, Note
from wherry.controllers.autoscaling.usage import Aim, Sample, Unknown, Wanted
from wherry.objects import Object
from wherry.objects.metadata import condition
from wherry.objects.resource import DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS
from wherry.objects.timestamps import rfc3339

HALF = Aim("cpu", share=50)


def worker(name: str, *, request: str = "100m", started: float = NOW - 3600, is_ready: bool = True) -> Object:
    made = pod(name, is_ready=is_ready)
    made["spec"]["containers"] = [{"name": "c", "resources": {"requests": {"cpu": request}}}]
    made["status"]["startTime"] = rfc3339(started)
    return made


def sample(milli: int, at: float = NOW) -> Sample:
    return Sample(at, 15.0, {"c": {"cpu": milli}})


def samples(**milli: int) -> dict[str, Sample]:
    return {name: sample(amount) for name, amount in milli.items()}


def autoscaler(*, least: int = 1, most: int = 10, behavior: Object | None = None, share: int = 50) -> Object:
    target = {"type": "Utilization", "averageUtilization": share}
    spec: Object = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "minReplicas": least,
        "maxReplicas": most,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }
    if behavior is not None:
        spec["behavior"] = behavior
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": "demo", "generation": 1},
        "spec": spec,
    }


@pytest.mark.parametrize(
    ("used", "replicas"),
    [
        ({"a": 50, "b": 50}, 2),  # as wanted
        ({"a": 55, "b": 54}, 2),  # a tenth above is near enough
        ({"a": 100, "b": 100}, 4),
        ({"a": 60, "b": 60}, 3),  # 2.4 pods are three
        ({"a": 10, "b": 10}, 1),
        ({"a": 100}, 2),  # were b idle, two would do
        ({"a": 20}, 2),  # were b busy, two would be needed
    ],
)
def test_how_many_pods_use_asks_for(used: Mapping[str, int], replicas: int) -> None:
    found = usage.wanted(HALF, [worker("a"), worker("b")], samples(**used), 2, NOW)
    assert isinstance(found, Wanted)
    assert found.replicas == replicas


def test_a_pod_that_is_not_ready_counts_for_no_more_pods_than_its_idleness_asks_for() -> None:
    young = worker("b", started=NOW - 10, is_ready=False)
    found = usage.wanted(HALF, [worker("a"), young], samples(a=200, b=900), 2, NOW)
    assert found == Wanted(4, {"averageUtilization": 200, "averageValue": "200m"})
    both = usage.wanted(HALF, [worker("a"), worker("b")], samples(a=200, b=900), 2, NOW)
    assert isinstance(both, Wanted)
    assert both.replicas == 22


def test_a_pod_that_has_just_become_ready_counts_once_it_was_measured_since() -> None:
    fresh = worker("a", started=NOW - 20)
    fresh["status"]["conditions"][0]["lastTransitionTime"] = rfc3339(NOW - 5)
    assert isinstance(usage.wanted(HALF, [fresh], {"a": sample(100)}, 1, NOW), Unknown)
    later = usage.wanted(HALF, [fresh], {"a": sample(100, NOW + 15)}, 1, NOW + 15)
    assert isinstance(later, Wanted)
    assert later.replicas == 2


def test_an_average_is_an_amount_whatever_is_requested() -> None:
    aim = Aim("cpu", average=40)
    found = usage.wanted(aim, [pod("a") | {"status": worker("a")["status"]}], samples(a=100), 1, NOW)
    assert found == Wanted(3, {"averageValue": "100m"})


def test_one_container_may_be_meant() -> None:
    two = worker("a")
    two["spec"]["containers"].append({"name": "busy"})
    told = {"a": Sample(NOW, 15.0, {"c": {"cpu": 50}, "busy": {"cpu": 900}})}
    assert usage.wanted(Aim("cpu", "c", share=50), [two], told, 1, NOW) == Wanted(
        1, {"averageUtilization": 50, "averageValue": "50m"}
    )
    whole = usage.wanted(HALF, [two], told, 1, NOW)
    assert whole == Unknown("missing request for cpu in container busy of Pod a")


def test_growth_is_four_pods_or_as_many_again_in_15_seconds_where_nothing_is_said() -> None:
    hpa = autoscaler(most=100)
    memory = Memory()
    assert pace.pace(hpa, 1, 60, memory, NOW).replicas == 5
    memory.scaled(1, 5, NOW)
    found = pace.pace(hpa, 5, 60, memory, NOW + 5)
    assert (found.replicas, found.limited[1]) == (5, "ScaleUpLimit")
    assert pace.pace(hpa, 5, 60, memory, NOW + 16).replicas == 10


def test_shrinking_waits_until_nobody_has_asked_for_more_for_five_minutes() -> None:
    hpa, memory = autoscaler(), Memory()
    assert pace.pace(hpa, 6, 6, memory, NOW).replicas == 6
    found = pace.pace(hpa, 6, 2, memory, NOW + 60)
    assert (found.replicas, found.able[1]) == (6, "ScaleDownStabilized")
    assert pace.pace(hpa, 6, 2, memory, NOW + 301).replicas == 2


def test_policies_are_followed_and_may_be_disabled() -> None:
    down = {"stabilizationWindowSeconds": 0, "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]}
    hpa, memory = autoscaler(behavior={"scaleDown": down, "scaleUp": {"selectPolicy": "Disabled"}}), Memory()
    assert pace.pace(hpa, 6, 2, memory, NOW).replicas == 5
    memory.scaled(6, 5, NOW)
    assert pace.pace(hpa, 5, 2, memory, NOW + 30).replicas == 5
    assert pace.pace(hpa, 5, 2, memory, NOW + 61).replicas == 4
    assert pace.pace(hpa, 5, 9, memory, NOW + 61).replicas == 5


def test_bounds_are_kept_and_told() -> None:
    found = pace.pace(autoscaler(most=3), 2, 9, Memory(), NOW)
    assert (found.replicas, found.limited[1]) == (3, "TooManyReplicas")
    found = pace.pace(autoscaler(least=2), 4, 1, Memory([Note(NOW - 9, 1)]), NOW)
    assert (found.replicas, found.limited[1]) == (2, "TooFewReplicas")


def metrics(name: str, cpu: str) -> Object:
    return {
        "apiVersion": "metrics.k8s.io/v1beta1",
        "kind": "PodMetrics",
        "metadata": {"name": name, "namespace": "demo", "labels": {"app": "web"}},
        "timestamp": rfc3339(NOW),
        "window": "15s",
        "containers": [{"name": "c", "usage": {"cpu": cpu, "memory": "1Mi"}}],
    }


def replicas(client: FakeClient) -> Any:
    found = client.peek(DEPLOYMENTS, "web", "demo")
    return found and found["spec"]["replicas"]


def status(client: FakeClient) -> Object:
    found = client.peek(HORIZONTAL_POD_AUTOSCALERS, "web", "demo") or {}
    return {"status": found.get("status") or {}}


async def test_a_deployment_is_scaled_by_what_its_pods_use() -> None:
    web = deployment(2) | {"status": {"replicas": 2}}
    client = FakeClient(web, worker("a"), worker("b"), metrics("a", "100m"), metrics("b", "100m"), autoscaler())
    async with running(client, (HorizontalPodAutoscalerController,), Clock()):
        await until(lambda: replicas(client) == 4 and status(client)["status"].get("desiredReplicas") == 4)
    found = status(client)
    assert found["status"]["currentReplicas"] == 2
    assert found["status"]["lastScaleTime"] == rfc3339(NOW)
    current = {"averageUtilization": 100, "averageValue": "100m"}
    assert found["status"]["currentMetrics"] == [{"type": "Resource", "resource": {"name": "cpu", "current": current}}]
    told = {c["type"]: (c["status"], c["reason"]) for c in found["status"]["conditions"]}
    assert told == {
        "AbleToScale": ("True", "SucceededRescale"),
        "ScalingActive": ("True", "ValidMetricFound"),
        "ScalingLimited": ("False", "DesiredWithinRange"),
    }


async def test_bounds_hold_without_any_measurement() -> None:
    client = FakeClient(deployment(2), autoscaler(least=3))
    async with running(client, (HorizontalPodAutoscalerController,), Clock()):
        await until(lambda: replicas(client) == 3)


async def test_what_cannot_be_measured_or_found_is_told_and_changes_nothing() -> None:
    client = FakeClient(deployment(2), worker("a"), autoscaler())
    async with running(client, (HorizontalPodAutoscalerController,), Clock()):
        await until(lambda: condition(status(client), "ScalingActive"))
        client.put(
            autoscaler()
            | {"metadata": {"name": "lost", "namespace": "demo", "generation": 1}}
            | {"spec": autoscaler()["spec"] | {"scaleTargetRef": {"kind": "Thing", "name": "x"}}}
        )
        await until(lambda: "status" in (client.peek(HORIZONTAL_POD_AUTOSCALERS, "lost", "demo") or {}))
    active = condition(status(client), "ScalingActive")
    assert active is not None
    assert (active["status"], active["reason"]) == ("False", "FailedGetResourceMetric")
    lost = condition(client.peek(HORIZONTAL_POD_AUTOSCALERS, "lost", "demo") or {}, "AbleToScale")
    assert lost is not None
    assert lost["reason"] == "FailedGetScale"
    assert 'no matches for kind "Thing" in group version "v1"' in lost["message"]
    assert replicas(client) == 2
