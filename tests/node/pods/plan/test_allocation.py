"""What a node sets aside for pods that want more or less than they had."""

from __future__ import annotations

from typing import Any

import pytest

from tests.node.build import container, pod
from wherry.node.pods.plan import allocation
from wherry.node.pods.plan.state import Pending
from wherry.objects import Object


def asking(cpu: str, memory: str = "64Mi") -> Object:
    return {"requests": {"cpu": cpu, "memory": memory}}


def sized(cpu: str, memory: str = "64Mi", **fields: Any) -> Object:
    return pod(container(resources=asking(cpu, memory)), **fields)


NODE = {"cpu": 2000, "memory": 1 << 30}
HAD = {"web": asking("500m")}


def test_a_pod_is_shown_with_what_is_allocated():
    wants = sized("1")
    assert allocation.with_allocated(wants, HAD)["spec"]["containers"][0]["resources"] == asking("500m")
    assert allocation.with_allocated(wants, allocation.wanted(wants)) is wants
    assert wants["spec"]["containers"][0]["resources"] == asking("1")


@pytest.mark.parametrize(("cpu", "asked"), [("1", True), ("500m", False), ("0.5", False)])
def test_it_is_amounts_that_differ_not_how_they_are_written(cpu: str, asked: bool):
    assert allocation.is_asked(sized(cpu), HAD) is asked


@pytest.mark.parametrize(
    ("wants", "others", "why"),
    [
        (sized("1"), [{"cpu": 1000}], None),
        (sized("1"), [{"cpu": 1000}, {"cpu": 1}], ("Deferred", "cpu, requested: 1000, used: 1001, capacity: 2000")),
        (sized("500m", "1Gi"), [{"memory": 1}], ("Deferred", "memory, requested: 1073741824, used: 1, capacity")),
        (sized("3"), [], ("Infeasible", "Node didn't have enough capacity: cpu, requested: 3000, capacity: 2000")),
        (sized("100m"), [{"cpu": 4000}], None),
        (sized("500m", "32Mi"), [{"cpu": 4000, "memory": 1 << 31}], None),
    ],
)
def test_what_grows_needs_room(wants: Object, others: list[dict[str, int]], why: tuple[str, str] | None):
    found = allocation.refusal(wants, HAD, others, NODE)
    if why is None:
        assert found is None
    else:
        assert found is not None
        assert found[0] == why[0]
        assert why[1] in found[1]


def test_who_frees_room_comes_first_then_the_more_important_then_who_waits_longest():
    waits = [Pending("Deferred", "", 2, since) for since in (50.0, 20.0)]
    guaranteed = sized("1", status={"qosClass": "Guaranteed"})
    turns = [
        allocation.turn(sized("100m"), HAD, None),
        allocation.turn(sized("1", priority=9), HAD, waits[0]),
        allocation.turn(guaranteed, HAD, waits[0]),
        allocation.turn(sized("1"), HAD, waits[1]),
        allocation.turn(sized("1"), HAD, waits[0]),
        allocation.turn(sized("1"), HAD, None),
    ]
    assert sorted(turns) == turns


def test_after_a_life_of_the_node_the_api_remembers():
    told = {"name": "web", "resources": {"limits": {"cpu": "1"}}, "allocatedResources": {"cpu": "500m"}}
    both = pod(
        container(resources=asking("1")),
        container("new", resources=asking("2")),
        status={"containerStatuses": [told, {"name": "new"}]},
    )
    assert allocation.remembered(both) == {
        "web": {"limits": {"cpu": "1"}, "requests": {"cpu": "500m"}},
        "new": asking("2"),
    }
