"""A budget's status: how many pods there should be, how many are well, how many may go."""

from __future__ import annotations

from typing import Any

import pytest

from tests.controllers.builders import NOW, Clock, deployment, pod, running, until
from tests.fake.client import FakeClient
from wherry.controllers.disruption import decide
from wherry.controllers.disruption.controller import DisruptionController
from wherry.objects import Object
from wherry.objects.metadata import condition, owner_reference
from wherry.objects.resource import DEPLOYMENTS, POD_DISRUPTION_BUDGETS, PODS
from wherry.objects.timestamps import rfc3339


def budget(*, status: Object | None = None, **spec: Any) -> Object:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web", "namespace": "demo", "uid": "b1", "generation": 3},
        "spec": {"selector": {"matchLabels": {"app": "web"}}} | spec,
        "status": status or {},
    }


def pods(ready: int, unready: int = 0) -> list[Object]:
    return [pod(f"p{i}", is_ready=i < ready) for i in range(ready + unready)]


@pytest.mark.parametrize(
    ("spec", "ready", "wanted", "least", "allowed"),
    [
        ({"minAvailable": 2}, 3, 3, 2, 1),
        ({"minAvailable": 3}, 3, 3, 3, 0),
        ({"minAvailable": 5}, 3, 3, 5, 0),
        ({"minAvailable": "50%"}, 3, 3, 2, 1),  # half of three is two: rounded up
        ({"maxUnavailable": 1}, 3, 3, 2, 1),
        ({"maxUnavailable": "34%"}, 3, 3, 1, 2),
        ({"maxUnavailable": 1}, 2, 3, 2, 0),
        ({"maxUnavailable": 9}, 3, 3, 0, 3),
        ({}, 3, 3, 0, 3),
        ({"minAvailable": 0}, 0, 0, 0, 0),
    ],
)
def test_how_many_may_go(spec: Object, ready: int, wanted: int, least: int, allowed: int) -> None:
    status = decide.status(budget(**spec), pods(ready), wanted, NOW)
    found = {key: status[key] for key in ("currentHealthy", "desiredHealthy", "expectedPods", "disruptionsAllowed")}
    assert found == {
        "currentHealthy": ready,
        "desiredHealthy": least,
        "expectedPods": wanted,
        "disruptionsAllowed": allowed,
    }
    assert status["observedGeneration"] == 3
    told = condition({"status": status}, "DisruptionAllowed")
    assert told is not None
    assert (told["status"], told["reason"]) == (
        ("True", "SufficientPods") if allowed else ("False", "InsufficientPods")
    )


def test_who_was_let_go_and_is_still_there_does_not_count_until_it_is_clear_that_it_stays() -> None:
    told = {"p0": rfc3339(NOW - 60), "p1": rfc3339(NOW - 121), "gone": rfc3339(NOW), "p2": "garbage"}
    status = decide.status(budget(minAvailable=1, status={"disruptedPods": told}), pods(3), 3, NOW)
    assert status["disruptedPods"] == {"p0": told["p0"]}
    assert status["currentHealthy"] == 2
    assert decide.recheck_in(status["disruptedPods"], NOW) == 60


def test_when_it_is_not_known_how_many_there_should_be_nobody_may_go() -> None:
    status = decide.status(budget(maxUnavailable=1), pods(3), decide.Unknown("no owner"), NOW)
    assert status["disruptionsAllowed"] == 0
    told = condition({"status": status}, "DisruptionAllowed")
    assert told is not None
    assert (told["status"], told["reason"], told["message"]) == ("False", "SyncFailed", "no owner")


def owned(replicas: int) -> list[Object]:
    """Return a Deployment that wants so many, its ReplicaSet that has been told less, and two pods of that."""
    top = deployment(replicas)
    middle = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "web-1", "namespace": "demo", "uid": "r1", "ownerReferences": [owner_reference(top)]},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}},
    }
    below = [pod(name, ownerReferences=[owner_reference(middle)]) for name in ("a", "b")]
    return [top, middle, *below]


async def test_a_share_is_of_what_the_deployment_wants_and_follows_it_and_its_pods() -> None:
    client = FakeClient(*owned(4), budget(maxUnavailable="50%"))

    def status() -> Object:
        (found,) = client.peek_all(POD_DISRUPTION_BUDGETS)
        found_status: Object = found.get("status") or {}
        return found_status

    async with running(client, (DisruptionController,), Clock()):
        await until(lambda: (status().get("expectedPods"), status().get("disruptionsAllowed")) == (4, 0))
        await client.patch(DEPLOYMENTS, "web", {"spec": {"replicas": 2}}, "demo")
        await until(lambda: (status()["expectedPods"], status()["disruptionsAllowed"]) == (2, 1))
        await client.patch(PODS, "a", {"status": {"conditions": []}}, "demo", subresource="status")
        await until(lambda: (status()["currentHealthy"], status()["disruptionsAllowed"]) == (1, 0))


async def test_a_share_of_pods_whose_owner_says_no_number_is_unknown() -> None:
    job = {"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "j1", "controller": True}
    client = FakeClient(pod("a", ownerReferences=[job]), budget(maxUnavailable=1))

    def reason() -> str:
        (found,) = client.peek_all(POD_DISRUPTION_BUDGETS)
        told = condition(found, "DisruptionAllowed") or {}
        return str(told.get("reason"))

    async with running(client, (DisruptionController,), Clock()):
        await until(lambda: reason() == "SyncFailed")
