"""Who asks for very many pods gets them little by little."""

from __future__ import annotations

from typing import Any

import pytest

from tests.controllers.builders import deployment, everything, running, template, until
from tests.controllers.test_job import indexed, job
from tests.controllers.test_statefulset import stateful_set
from tests.fake.client import FakeClient
from wherry.controllers.job.controller import JobController
from wherry.controllers.pace import BURST, PER_SECOND, Pace
from wherry.controllers.replicaset.controller import ReplicaSetController
from wherry.controllers.statefulset.controller import StatefulSetController
from wherry.objects import Object
from wherry.objects.resource import PODS

MOST = 2**31 - 1


def test_a_burst_is_free_and_then_there_are_so_many_a_second() -> None:
    pace = Pace()
    assert pace.take("a", 3, 0.0) == 3
    assert pace.take("a", MOST, 0.0) == BURST - 3
    assert pace.take("a", MOST, 0.01) == 0
    assert pace.take("a", MOST, 1.0) == PER_SECOND
    assert pace.take("b", 10, 1.0) == 10
    assert pace.take("a", MOST, 10_000.0) == BURST
    pace.forget("a")
    assert pace.take("a", MOST, 10_000.0) == BURST


def replica_set() -> Object:
    spec = {"replicas": MOST, "selector": {"matchLabels": {"app": "web"}}, "template": template()}
    return deployment() | {"kind": "ReplicaSet", "spec": spec}


OWNERS: dict[str, tuple[Object, Any]] = {
    "ReplicaSet": (replica_set(), ReplicaSetController),
    "StatefulSet": (stateful_set(MOST, podManagementPolicy="Parallel"), StatefulSetController),
    "Job": (job(parallelism=MOST, completions=MOST), JobController),
    "Indexed Job": (indexed(parallelism=MOST, completions=MOST), JobController),
}


@pytest.mark.parametrize("kind", OWNERS)
async def test_an_owner_of_two_billion_pods_has_a_burst_and_a_few_more(kind: str) -> None:
    owner, controller = OWNERS[kind]
    client = FakeClient(owner)
    async with running(client, [controller]):
        await until(lambda: len(everything(client, PODS)) > BURST, 20)
        assert len(everything(client, PODS)) < BURST + 10 * PER_SECOND
