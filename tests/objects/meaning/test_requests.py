"""What a pod takes of its node while it is resized."""

from __future__ import annotations

import pytest

from wherry.objects import Object
from wherry.objects.meaning.requests import held, requests


def pod(cpu: str, status: Object | None = None, pending: str = "", limit: str = "4") -> Object:
    conditions = [{"type": "PodResizePending", "status": "True", "reason": pending}] if pending else []
    statuses = [{"name": "c", **status}] if status is not None else []
    resources = {"requests": {"cpu": cpu}, "limits": {"cpu": limit}}
    return {
        "spec": {"containers": [{"name": "c", "resources": resources}]},
        "status": {"containerStatuses": statuses, "conditions": conditions},
    }


def told(allocated: str, actual: str) -> Object:
    resources = {"requests": {"cpu": actual}, "limits": {"cpu": actual}}
    return {"allocatedResources": {"cpu": allocated}, "resources": resources}


@pytest.mark.parametrize(
    ("one", "millicores"),
    [
        (pod("1"), 1000),
        (pod("1", {}), 1000),
        (pod("1", told("1", "1")), 1000),
        (pod("3", told("1", "1"), "Deferred"), 3000),
        (pod("3", told("1", "1"), "Infeasible"), 1000),
        (pod("3", told("2", "1"), "Infeasible"), 2000),
        (pod("1", told("2", "1")), 2000),
        (pod("1", told("1", "2")), 2000),
        (pod("1", {"resources": {}, "allocatedResources": {"cpu": "2"}}), 2000),
    ],
)
def test_the_most_of_what_is_wanted_set_aside_and_in_force_counts(one: Object, millicores: int):
    assert requests(one) == {"cpu": millicores}


def test_of_limits_what_is_wanted_and_what_is_in_force_count():
    assert held(pod("1", told("1", "5")), "limits") == {"cpu": 5000}
    assert held(pod("1", told("1", "2")), "limits") == {"cpu": 4000}
    assert held(pod("1", told("1", "2"), "Infeasible"), "limits") == {"cpu": 2000}
