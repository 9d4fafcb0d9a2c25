"""A node reads what its pods need and writes what is its own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.harness import Cluster
from tests.apiserver.samples import config_map, node, pod
from wherry.client.interface import Client
from wherry.objects import Object
from wherry.objects.errors import Forbidden, Invalid
from wherry.objects.meaning.wellknown import MIRROR_POD
from wherry.objects.resource import CONFIG_MAPS, LEASES, NAMESPACES, NODES, PODS, SECRETS, SERVICE_ACCOUNTS

MINE, OTHER = "n1", "n2"


@pytest.fixture
async def agent(cluster: Cluster) -> Client:
    """The client of node n1, on which pod `mine` runs; pod `other` runs on n2."""
    for name in (MINE, OTHER):
        await cluster.client.create(NODES, node(name))
    environment = [{"configMapRef": {"name": "settings"}}]
    spec = {"containers": [{"name": "c", "image": "i", "envFrom": environment}], "nodeName": MINE}
    await cluster.client.create(PODS, pod("mine", **spec), "demo")
    await cluster.client.create(PODS, pod("other", nodeName=OTHER), "demo")
    for name in ("settings", "unused"):
        await cluster.client.create(CONFIG_MAPS, config_map(name), "demo")
        await cluster.client.create(SECRETS, {"metadata": {"name": name}}, "demo")
    return cluster.server.client(f"system:node:{MINE}", ["system:nodes"])


async def test_it_reads_what_its_pods_refer_to_and_nothing_else(agent: Client) -> None:
    await agent.get(CONFIG_MAPS, "settings", "demo")
    assert (await agent.list(CONFIG_MAPS, "demo", fields="metadata.name=settings")).items
    for resource, name in ((CONFIG_MAPS, "unused"), (SECRETS, "settings")):
        with pytest.raises(Forbidden):
            await agent.get(resource, name, "demo")
    for namespace in ("demo", None):
        with pytest.raises(Forbidden):
            await agent.list(CONFIG_MAPS, namespace)


async def test_it_writes_the_status_of_its_own_pods_and_may_end_them(agent: Client) -> None:
    change = {"status": {"phase": "Running"}}
    await agent.patch(PODS, "mine", change, "demo", subresource="status")
    with pytest.raises(Forbidden, match=r'"other" is forbidden: node "n1" can only update pod status for pods with'):
        await agent.patch(PODS, "other", change, "demo", subresource="status")
    with pytest.raises(Forbidden, match=r'node "n1" can only delete pods with spec.nodeName set to itself'):
        await agent.delete(PODS, "other", "demo")
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "other"}}
    with pytest.raises(Forbidden):
        await agent.create(PODS, eviction, "demo", name="other", subresource="eviction")
    with pytest.raises(Forbidden):
        await agent.create(PODS, pod("new", nodeName=MINE), "demo")
    await agent.delete(PODS, "mine", "demo", grace_period_seconds=0)


async def test_it_writes_its_own_node_but_not_what_keeps_pods_away(agent: Client) -> None:
    await agent.patch(NODES, MINE, {"metadata": {"labels": {"a": "b"}}})
    await agent.patch(NODES, MINE, {"status": {"capacity": {"cpu": "1"}}}, subresource="status")
    refused: list[tuple[str, Object]] = [
        (OTHER, {"metadata": {"labels": {"a": "b"}}}),
        (MINE, {"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}}),
        (MINE, {"metadata": {"labels": {"safe.node-restriction.kubernetes.io/a": "b"}}}),
    ]
    for name, change in refused:
        with pytest.raises(Forbidden, match=r'node "n1" is not allowed to modify (node "n2"|taints|labels: safe)'):
            await agent.patch(NODES, name, change)
    with pytest.raises(Forbidden):
        await agent.create(NODES, node("n3"))


async def test_it_renews_its_own_lease(agent: Client, cluster: Cluster) -> None:
    assert await cluster.client.get(NAMESPACES, "kube-node-lease")
    await agent.create(LEASES, {"metadata": {"name": MINE}}, "kube-node-lease")
    with pytest.raises(Forbidden, match=r"can only access node lease with the same name as the requesting node"):
        await agent.create(LEASES, {"metadata": {"name": OTHER}}, "kube-node-lease")
    with pytest.raises(Forbidden, match=r'can only access leases in the "kube-node-lease" system namespace'):
        await agent.create(LEASES, {"metadata": {"name": MINE}}, "demo")


async def test_its_tokens_are_for_its_pods_and_end_with_them(agent: Client, cluster: Cluster) -> None:
    async def ask(account: str, bound: str = "") -> Object:
        reference = {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": bound}} if bound else {}
        request: Object = {"spec": {"audiences": [], **reference}}
        return await agent.create(SERVICE_ACCOUNTS, request, "demo", name=account, subresource="token")

    await cluster.client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "ruler"}}, "demo")
    assert (await ask("default", "mine"))["status"]["token"]
    with pytest.raises(Forbidden, match="node requested token not bound to a pod"):
        await ask("default")
    with pytest.raises(Forbidden, match="node requested token bound to a pod scheduled on a different node"):
        await ask("default", "other")
    with pytest.raises(Forbidden, match=r'cannot create resource "serviceaccounts/token"'):
        await ask("ruler")


async def test_it_makes_mirrors_of_its_static_pods_and_nothing_else(cluster: Cluster, agent: Client) -> None:
    uid = (await cluster.client.get(NODES, MINE))["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "Node", "name": MINE, "uid": uid, "controller": True}

    def mirror(owners: list[Object], node: str = MINE, **spec: Any) -> Object:
        made = pod("mirror", nodeName=node, **spec)
        made["metadata"] |= {"annotations": {MIRROR_POD: "abc"}, "ownerReferences": owners}
        return made

    for refused, why in (
        (pod("new", nodeName=MINE), "can only create mirror pods"),
        (mirror([owner], OTHER), "can only create pods with spec.nodeName set to itself"),
        (mirror([]), "with an owner reference set to itself"),
        (mirror([{**owner, "name": OTHER}]), "with an owner reference set to itself"),
        (mirror([owner, {**owner, "kind": "Pod"}]), "with a single owner reference"),
        (mirror([{**owner, "controller": False}]), "with a controller owner reference"),
        (mirror([{**owner, "blockOwnerDeletion": True}]), "must not set blockOwnerDeletion"),
        (mirror([{**owner, "uid": "other"}]), "UID mismatch"),
        (mirror([owner], volumes=[{"name": "v", "secret": {"secretName": "s"}}]), "that reference secrets"),
    ):
        with pytest.raises(Forbidden, match=why):
            await agent.create(PODS, refused, "demo")
    made = await agent.create(PODS, mirror([owner]), "demo")
    assert "volumes" not in made["spec"]  # no token: it runs without the API
    with pytest.raises(Invalid, match="may not remove or update mirror pod annotation"):
        await cluster.client.patch(PODS, "mirror", {"metadata": {"annotations": {MIRROR_POD: None}}}, "demo")
    with pytest.raises(Invalid, match="may not add mirror pod annotation"):
        await cluster.client.patch(PODS, "mine", {"metadata": {"annotations": {MIRROR_POD: "x"}}}, "demo")
    await agent.delete(PODS, "mirror", "demo", grace_period_seconds=0)
