"""A workload whose selector does not ask for its own pods makes none: it would not know them again, and make more."""

from __future__ import annotations

from typing import Any

import pytest

from tests.controllers.builders import node, running, template, until
from tests.fake.client import FakeClient
from wherry.controllers.controller import Runner
from wherry.controllers.daemonset.controller import DaemonSetController
from wherry.controllers.deployment.controller import DeploymentController
from wherry.controllers.job.controller import JobController
from wherry.controllers.replicaset.controller import ReplicaSetController
from wherry.controllers.replicaset.replicationcontroller import ReplicationControllerController
from wherry.controllers.statefulset.controller import StatefulSetController
from wherry.objects import Object
from wherry.objects.meaning.workloads import NOT_ITS_OWN
from wherry.objects.resource import EVENTS, PODS, REPLICA_SETS

OTHERS = {"matchLabels": {"app": "web", "of": "somebody else"}}


def workload(api_version: str, kind: str, **spec: Any) -> Object:
    meta = {"name": "odd", "namespace": "demo", "uid": "u1", "generation": 1}
    spec = {"selector": OTHERS, "template": template(), **spec}
    return {"apiVersion": api_version, "kind": kind, "metadata": meta, "spec": spec, "status": {}}


@pytest.mark.parametrize(
    ("controller", "odd"),
    [
        (DeploymentController, workload("apps/v1", "Deployment", replicas=2)),
        (ReplicaSetController, workload("apps/v1", "ReplicaSet", replicas=2)),
        (
            ReplicationControllerController,
            workload("v1", "ReplicationController", replicas=2, selector=OTHERS["matchLabels"]),
        ),
        (DaemonSetController, workload("apps/v1", "DaemonSet", updateStrategy={"type": "RollingUpdate"})),
        (StatefulSetController, workload("apps/v1", "StatefulSet", replicas=2, serviceName="odd")),
        (JobController, workload("batch/v1", "Job", completions=2, parallelism=2, backoffLimit=6)),
    ],
    ids=lambda given: given["kind"] if isinstance(given, dict) else "",
)
async def test_it_makes_nothing_and_says_why(controller: type[Runner], odd: Object) -> None:
    client = FakeClient(odd, node("n1"))

    def told() -> list[str]:
        return [event["message"] for event in client.peek_all(EVENTS)]

    async with running(client, [controller]):
        await until(lambda: any(NOT_ITS_OWN in message for message in told()))
    assert client.peek_all(PODS) == []
    assert [found["metadata"]["name"] for found in client.peek_all(REPLICA_SETS)] == ["odd"] * (
        odd["kind"] == "ReplicaSet"
    )
