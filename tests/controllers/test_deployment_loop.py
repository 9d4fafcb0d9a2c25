"""Deployments and ReplicaSets together, on the in-memory API."""

from __future__ import annotations

from typing import Any

from tests.controllers.builders import deployment, everything, ready, running, until
from tests.fake.client import FakeClient
from wherry.controllers.deployment.controller import DeploymentController
from wherry.controllers.replicaset.controller import ReplicaSetController
from wherry.objects import Object
from wherry.objects.resource import DEPLOYMENTS, EVENTS, PODS, REPLICA_SETS, Resource

BOTH = (DeploymentController, ReplicaSetController)


class Cluster:
    """What a test looks at, and a kubelet that makes every pod ready."""

    def __init__(self, client: FakeClient):
        self.client = client

    def all(self, resource: Resource) -> list[Object]:
        return everything(self.client, resource)

    def make_ready(self) -> None:
        for pod in self.all(PODS):
            if not pod.get("status", {}).get("conditions"):
                self.client.put(pod | {"status": {"phase": "Running", "conditions": [ready()]}})

    def is_complete(self, size: int) -> bool:
        self.make_ready()
        status = self.all(DEPLOYMENTS)[0].get("status", {})
        return all(status.get(n) == size for n in ("replicas", "updatedReplicas", "availableReplicas"))


async def test_a_deployment_becomes_a_replica_set_and_pods_with_the_usual_names() -> None:
    client = FakeClient(deployment(2))
    cluster = Cluster(client)
    async with running(client, BOTH):
        await until(lambda: cluster.is_complete(2))
        await until(lambda: len(cluster.all(EVENTS)) == 3)
    (replica_set,) = cluster.all(REPLICA_SETS)
    digest = replica_set["metadata"]["labels"]["pod-template-hash"]
    assert replica_set["metadata"]["name"] == f"web-{digest}"
    assert replica_set["metadata"]["annotations"] == {
        "deployment.kubernetes.io/revision": "1",
        "deployment.kubernetes.io/desired-replicas": "2",
        "deployment.kubernetes.io/max-replicas": "3",
    }
    for pod in cluster.all(PODS):
        assert pod["metadata"]["name"].startswith(f"web-{digest}-")
        assert pod["metadata"]["labels"] == {"app": "web", "pod-template-hash": digest}
    messages = {e["message"] for e in cluster.all(EVENTS)}
    assert f"Scaled up replica set web-{digest} from 0 to 2" in messages
    (shown,) = cluster.all(DEPLOYMENTS)
    assert shown["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1"
    reasons = {c["type"]: c["reason"] for c in shown["status"]["conditions"]}
    assert reasons == {"Available": "MinimumReplicasAvailable", "Progressing": "NewReplicaSetAvailable"}


async def change(client: FakeClient, **spec: Any) -> None:
    await client.patch(DEPLOYMENTS, "web", {"spec": spec}, "demo")


async def test_a_new_template_replaces_every_pod_and_undo_brings_the_old_replica_set_back() -> None:
    client = FakeClient(deployment(3))
    cluster = Cluster(client)
    async with running(client, BOTH):
        await until(lambda: cluster.is_complete(3))
        first = cluster.all(REPLICA_SETS)[0]["metadata"]["name"]
        await change(client, template=deployment(3, "web:2")["spec"]["template"])
        await until(lambda: cluster.is_complete(3) and len(cluster.all(REPLICA_SETS)) == 2)
        await until(lambda: len(cluster.all(PODS)) == 3)
        sizes = {r["metadata"]["name"]: r["spec"]["replicas"] for r in cluster.all(REPLICA_SETS)}
        assert sizes.pop(first) == 0
        assert list(sizes.values()) == [3]
        await change(client, template=deployment(3, "web:1")["spec"]["template"])

        def undone() -> bool:
            back = next(r for r in cluster.all(REPLICA_SETS) if r["metadata"]["name"] == first)
            return cluster.is_complete(3) and bool(back["spec"]["replicas"] == 3)

        await until(undone)
    back = next(r for r in cluster.all(REPLICA_SETS) if r["metadata"]["name"] == first)
    assert back["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"
    assert back["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"] == "1"


async def test_scaling_down_deletes_and_scaling_up_creates_exactly_the_difference() -> None:
    client = FakeClient(deployment(4))
    cluster = Cluster(client)
    async with running(client, BOTH):
        await until(lambda: cluster.is_complete(4))
        await change(client, replicas=1)
        await until(lambda: cluster.is_complete(1))
        await change(client, replicas=6)
        await until(lambda: cluster.is_complete(6))
    created = [c for c in client.calls if c.verb == "create" and c.resource == PODS]
    assert len(created) == 4 + 5


async def test_a_recreate_waits_for_the_old_pods_to_be_gone() -> None:
    client = FakeClient(deployment(2, strategy={"type": "Recreate"}))
    cluster = Cluster(client)
    async with running(client, BOTH):
        await until(lambda: cluster.is_complete(2))
        old = {p["metadata"]["name"] for p in cluster.all(PODS)}
        for pod in cluster.all(PODS):
            client.put(pod | {"spec": pod["spec"] | {"nodeName": "n1"}})  # bound pods end gracefully
        await change(client, template=deployment(2, "web:2")["spec"]["template"])
        await until(lambda: all(p["metadata"].get("deletionTimestamp") for p in cluster.all(PODS)))
        await until(lambda: cluster.all(DEPLOYMENTS)[0]["status"].get("replicas", 0) == 0)
        assert len(cluster.all(REPLICA_SETS)) == 1
        for name in old:
            client.remove(PODS, name, "demo")
        await until(lambda: cluster.is_complete(2))
    assert not old & {p["metadata"]["name"] for p in cluster.all(PODS)}


async def test_a_crash_of_a_controller_is_logged_and_its_work_goes_on(caplog: Any) -> None:
    client = FakeClient(deployment(1))
    cluster = Cluster(client)
    crashes = []

    class Fragile(DeploymentController):
        async def reconcile(self, key: Any) -> None:
            if not crashes:
                crashes.append(key)
                raise RuntimeError("bug")
            await super().reconcile(key)

    async with running(client, (Fragile, ReplicaSetController)):
        await until(lambda: cluster.is_complete(1))
    assert "queue deployment failed at demo/web" in caplog.text
