"""How objects go: at once, with grace, or when nobody holds them any more."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.harness import Cluster
from tests.apiserver.samples import binding, config_map, node, pod
from wherry.objects import Object, timestamps
from wherry.objects.errors import Conflict, Forbidden, Invalid, NotFound
from wherry.objects.resource import CONFIG_MAPS, NAMESPACES, NODES, PODS


async def running_pod(cluster: Cluster, name: str = "a") -> Object:
    await cluster.client.create(NODES, node(f"node-of-{name}"))
    await cluster.client.create(PODS, pod(name), "demo")
    await cluster.client.create(PODS, binding(name, f"node-of-{name}"), "demo", name=name, subresource="binding")
    return await cluster.client.get(PODS, name, "demo")


async def test_an_object_that_nothing_holds_is_gone_at_once(cluster: Cluster) -> None:
    await cluster.client.create(CONFIG_MAPS, config_map("a"), "demo")
    await cluster.client.delete(CONFIG_MAPS, "a", "demo")
    with pytest.raises(NotFound):
        await cluster.client.get(CONFIG_MAPS, "a", "demo")
    with pytest.raises(NotFound, match='configmaps "a" not found'):
        await cluster.client.delete(CONFIG_MAPS, "a", "demo")


async def test_finalizers_hold_an_object_until_the_last_is_taken_off(cluster: Cluster) -> None:
    obj = config_map("a")
    obj["metadata"]["finalizers"] = ["example.com/one", "example.com/two"]
    await cluster.client.create(CONFIG_MAPS, obj, "demo")
    await cluster.client.delete(CONFIG_MAPS, "a", "demo")
    held = await cluster.client.get(CONFIG_MAPS, "a", "demo")
    assert held["metadata"]["deletionTimestamp"]
    assert held["metadata"]["deletionGracePeriodSeconds"] == 0
    await cluster.client.patch(CONFIG_MAPS, "a", {"metadata": {"finalizers": ["example.com/two"]}}, "demo")
    await cluster.client.delete(CONFIG_MAPS, "a", "demo")
    again = await cluster.client.get(CONFIG_MAPS, "a", "demo")
    assert again["metadata"]["deletionTimestamp"] == held["metadata"]["deletionTimestamp"]
    await cluster.client.patch(CONFIG_MAPS, "a", {"metadata": {"finalizers": None}}, "demo")
    with pytest.raises(NotFound):
        await cluster.client.get(CONFIG_MAPS, "a", "demo")


async def test_a_pod_on_a_node_gets_its_grace_and_goes_when_the_node_says_so(cluster: Cluster) -> None:
    made = await running_pod(cluster)
    await cluster.client.delete(PODS, "a", "demo")
    meta = (await cluster.client.get(PODS, "a", "demo"))["metadata"]
    assert meta["deletionGracePeriodSeconds"] == 30
    left = timestamps.parse(meta["deletionTimestamp"]) - timestamps.parse(made["metadata"]["creationTimestamp"])
    assert 30 <= left <= 35
    await cluster.client.delete(PODS, "a", "demo", grace_period_seconds=0, uid=meta["uid"])
    with pytest.raises(NotFound):
        await cluster.client.get(PODS, "a", "demo")


async def test_grace_can_be_shortened_but_not_put_off(cluster: Cluster) -> None:
    await running_pod(cluster)

    async def grace(seconds: int) -> int:
        await cluster.client.delete(PODS, "a", "demo", grace_period_seconds=seconds)
        return int((await cluster.client.get(PODS, "a", "demo"))["metadata"]["deletionGracePeriodSeconds"])

    assert await grace(20) == 20
    assert await grace(25) == 20
    assert await grace(5) == 5


async def test_a_pod_without_a_node_needs_no_grace(cluster: Cluster) -> None:
    await cluster.client.create(PODS, pod("a"), "demo")
    await cluster.client.delete(PODS, "a", "demo")
    with pytest.raises(NotFound):
        await cluster.client.get(PODS, "a", "demo")


async def test_a_precondition_protects_the_next_object_of_that_name(cluster: Cluster) -> None:
    await cluster.client.create(CONFIG_MAPS, config_map("a"), "demo")
    with pytest.raises(Conflict, match="Precondition failed: UID in precondition: other"):
        await cluster.client.delete(CONFIG_MAPS, "a", "demo", uid="other")


@pytest.mark.parametrize(("policy", "finalizer"), [("Foreground", "foregroundDeletion"), ("Orphan", "orphan")])
async def test_the_propagation_policy_is_left_to_the_garbage_collector_as_a_finalizer(
    cluster: Cluster, policy: str, finalizer: str
) -> None:
    await cluster.client.create(CONFIG_MAPS, config_map("a"), "demo")
    await cluster.client.delete(CONFIG_MAPS, "a", "demo", propagation_policy=policy)
    meta = (await cluster.client.get(CONFIG_MAPS, "a", "demo"))["metadata"]
    assert meta["finalizers"] == [finalizer]
    assert meta["deletionTimestamp"]


async def test_an_unknown_propagation_policy_is_refused(cluster: Cluster) -> None:
    await cluster.client.create(CONFIG_MAPS, config_map("a"), "demo")
    with pytest.raises(Invalid, match="propagationPolicy"):
        await cluster.client.delete(CONFIG_MAPS, "a", "demo", propagation_policy="Sideways")


@pytest.mark.parametrize("options", [{"preconditions": "x"}, {"dryRun": 5}, {"gracePeriodSeconds": True}], ids=str)
async def test_options_of_the_wrong_type_are_refused(cluster: Cluster, options: Any) -> None:
    await cluster.client.create(CONFIG_MAPS, config_map("a"), "demo")
    status, _, answer = await cluster.request("DELETE", "/api/v1/namespaces/demo/configmaps/a", options)
    assert (status, answer["reason"]) == (400, "BadRequest")
    assert answer["message"].startswith('DeleteOptions in version "v1" cannot be handled as a DeleteOptions: json: ')
    assert await cluster.client.get(CONFIG_MAPS, "a", "demo")


async def test_a_namespace_terminates_until_it_is_finalized(cluster: Cluster) -> None:
    await cluster.client.delete(NAMESPACES, "demo")
    going = await cluster.client.get(NAMESPACES, "demo")
    assert going["status"]["phase"] == "Terminating"
    assert going["metadata"]["deletionTimestamp"]
    await cluster.client.update(NAMESPACES, going | {"spec": {}}, subresource="finalize")
    with pytest.raises(NotFound):
        await cluster.client.get(NAMESPACES, "demo")


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
async def test_some_namespaces_stay(cluster: Cluster, name: str) -> None:
    with pytest.raises(Forbidden, match=f'namespaces "{name}" is forbidden: this namespace may not be deleted'):
        await cluster.client.delete(NAMESPACES, name)


async def test_deletecollection_deletes_what_the_selector_selects(cluster: Cluster) -> None:
    for name in "abc":
        obj = config_map(name)
        obj["metadata"]["labels"] = {"group": "1" if name < "c" else "2"}
        await cluster.client.create(CONFIG_MAPS, obj, "demo")
    status, _, deleted = await cluster.request("DELETE", "/api/v1/namespaces/demo/configmaps?labelSelector=group=1")
    assert status == 200
    assert [item["metadata"]["name"] for item in deleted["items"]] == ["a", "b"]
    left = await cluster.client.list(CONFIG_MAPS, "demo")
    assert [item["metadata"]["name"] for item in left.items] == ["c"]
