"""ReplicationControllers have pods as ReplicaSets do, by a selector that is a map."""

from __future__ import annotations

from tests.controllers.builders import names, pod, running, template, until
from tests.fake.client import FakeClient
from wherry.controllers.replicaset.controller import ReplicaSetController
from wherry.controllers.replicaset.replicationcontroller import ReplicationControllerController
from wherry.objects import Object
from wherry.objects.meaning import workloads
from wherry.objects.metadata import controller_of
from wherry.objects.resource import PODS, REPLICATION_CONTROLLERS

BOTH = (ReplicaSetController, ReplicationControllerController)


def controller(replicas: int) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ReplicationController",
        "metadata": {"name": "web", "namespace": "demo", "uid": "c1", "generation": 1},
        "spec": {"replicas": replicas, "selector": {"app": "web"}, "template": template()},
    }


async def test_it_adopts_what_it_selects_and_makes_what_is_missing() -> None:
    client = FakeClient(pod("orphan"), pod("other", labels={"app": "db"}), controller(3))
    async with running(client, BOTH):
        await until(lambda: len(names(client, PODS)) == 4)
        await until(lambda: client.peek_all(REPLICATION_CONTROLLERS)[0].get("status", {}).get("replicas") == 3)
    owners = {p["metadata"]["name"]: controller_of(p) for p in client.peek_all(PODS)}
    assert owners.pop("other") is None
    assert {(o["kind"], o["name"]) for o in owners.values() if o} == {("ReplicationController", "web")}
    assert len(owners) == 3


async def test_a_replica_set_of_the_same_name_keeps_its_own_pods() -> None:
    other = controller(1) | {"apiVersion": "apps/v1", "kind": "ReplicaSet"}
    other["metadata"] = other["metadata"] | {"uid": "r1"}
    other["spec"] = other["spec"] | {"selector": {"matchLabels": {"app": "web"}}}
    client = FakeClient(controller(2), other)

    def count(kind: str) -> int:
        return sum((controller_of(p) or {}).get("kind") == kind for p in client.peek_all(PODS))

    async with running(client, BOTH):
        await until(lambda: (count("ReplicationController"), count("ReplicaSet")) == (2, 1))
        await client.patch(REPLICATION_CONTROLLERS, "web", {"spec": {"replicas": 0}}, "demo")
        await until(lambda: (count("ReplicationController"), count("ReplicaSet")) == (0, 1))


def test_one_that_selects_nothing_in_particular_selects_nothing() -> None:
    empty = controller(1) | {"spec": {"selector": {}}}
    assert not workloads.selector(empty).matches({"app": "web"})
