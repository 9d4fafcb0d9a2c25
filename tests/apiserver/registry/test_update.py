"""What an update may change."""

from __future__ import annotations

import asyncio

import pytest

from tests.apiserver.harness import Cluster
from tests.apiserver.samples import config_map, deployment, pod, service
from wherry.objects import Object
from wherry.objects.errors import BadRequest, Conflict, Forbidden, Invalid, NotFound
from wherry.objects.resource import (
    CLUSTER_ROLES,
    CONFIG_MAPS,
    DEPLOYMENTS,
    ENDPOINTS,
    EVENTS,
    LEASES,
    NAMESPACES,
    NODES,
    PODS,
    ROLE_BINDINGS,
    ROLES,
    SERVICES,
    Resource,
)


async def test_an_update_from_an_old_version_is_a_conflict(cluster: Cluster) -> None:
    old = await cluster.client.create(CONFIG_MAPS, config_map("a", x="1"), "demo")
    await cluster.client.update(CONFIG_MAPS, old | {"data": {"x": "2"}})
    text = (
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    with pytest.raises(Conflict, match=f"^{text}$"):
        await cluster.client.update(CONFIG_MAPS, old | {"data": {"x": "3"}})


async def test_an_update_without_a_version_always_wins(cluster: Cluster) -> None:
    await cluster.client.create(CONFIG_MAPS, config_map("a", x="1"), "demo")
    obj = config_map("a", x="2")
    obj["metadata"]["namespace"] = "demo"
    assert (await cluster.client.update(CONFIG_MAPS, obj))["data"] == {"x": "2"}


async def test_an_update_meant_for_another_object_of_that_name_is_a_conflict(cluster: Cluster) -> None:
    made = await cluster.client.create(CONFIG_MAPS, config_map("a"), "demo")
    await cluster.client.delete(CONFIG_MAPS, "a", "demo")
    await cluster.client.create(CONFIG_MAPS, config_map("a"), "demo")
    with pytest.raises(Conflict, match="Precondition failed: UID in precondition"):
        await cluster.client.update(CONFIG_MAPS, made)


async def test_what_is_not_there_cannot_be_updated(cluster: Cluster) -> None:
    obj = config_map("a")
    obj["metadata"]["namespace"] = "demo"
    with pytest.raises(NotFound, match='configmaps "a" not found'):
        await cluster.client.update(CONFIG_MAPS, obj)


async def test_an_update_that_changes_nothing_writes_nothing(cluster: Cluster) -> None:
    made = await cluster.client.create(DEPLOYMENTS, deployment("a"), "demo")
    assert await cluster.client.update(DEPLOYMENTS, made) is made
    short = deployment("a")
    short["metadata"]["namespace"] = "demo"
    assert (await cluster.client.update(DEPLOYMENTS, short)) is made


async def test_the_generation_counts_changes_of_the_spec_only(cluster: Cluster) -> None:
    made = await cluster.client.create(DEPLOYMENTS, deployment("a"), "demo")

    async def generation(patch: Object, subresource: str = "") -> int:
        patched = await cluster.client.patch(DEPLOYMENTS, "a", patch, "demo", subresource=subresource)
        return int(patched["metadata"]["generation"])

    assert made["metadata"]["generation"] == 1
    assert await generation({"metadata": {"labels": {"x": "y"}}}) == 1
    assert await generation({"status": {"replicas": 1}}, "status") == 1
    assert await generation({"spec": {"replicas": 5}}) == 2


async def test_spec_and_status_are_written_apart(cluster: Cluster) -> None:
    await cluster.client.create(DEPLOYMENTS, deployment("a"), "demo")
    both = {"spec": {"replicas": 5}, "status": {"replicas": 4}}
    plain = await cluster.client.patch(DEPLOYMENTS, "a", both, "demo")
    assert (plain["spec"]["replicas"], plain["status"].get("replicas")) == (5, None)
    both["spec"]["replicas"] = 6
    status = await cluster.client.patch(DEPLOYMENTS, "a", both, "demo", subresource="status")
    assert (status["spec"]["replicas"], status["status"]["replicas"]) == (5, 4)


async def test_metadata_written_through_status_is_kept(cluster: Cluster) -> None:
    await cluster.client.create(SERVICES, service("s"), "demo")
    change = {
        "labels": {"a": "b"},
        "annotations": {"patchedstatus": "true"},
        "finalizers": ["example.com/one"],
        "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u"}],
    }
    balancer = {"ingress": [{"ip": "203.0.113.1"}]}
    patch = {"metadata": change, "spec": {"type": "NodePort"}, "status": {"loadBalancer": balancer}}
    for _ in range(2):
        patched = await cluster.client.patch(SERVICES, "s", patch, "demo", subresource="status")
        assert {key: patched["metadata"][key] for key in change} == change
        assert patched["spec"]["type"] == "ClusterIP"
        assert patched["status"]["loadBalancer"]["ingress"][0]["ip"] == "203.0.113.1"
    replaced = patched | {"metadata": {**patched["metadata"], "annotations": {"put": "too"}}}
    assert (await cluster.client.update(SERVICES, replaced, subresource="status"))["metadata"]["annotations"] == {
        "put": "too"
    }


async def test_a_status_write_leaves_alone_the_metadata_its_kind_keeps(cluster: Cluster) -> None:
    """Deployments keep their labels, pods their owners; and the server's own fields are nobody's."""
    await cluster.client.create(DEPLOYMENTS, deployment("d"), "demo")
    made = await cluster.client.create(PODS, pod("p"), "demo")
    owner = [{"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u"}]
    patch = {"metadata": {"labels": {"a": "b"}, "annotations": {"a": "b"}, "ownerReferences": owner, "generation": 7}}
    written = await cluster.client.patch(DEPLOYMENTS, "d", patch, "demo", subresource="status")
    assert "labels" not in written["metadata"]
    assert written["metadata"]["annotations"] == {"a": "b"}
    assert written["metadata"]["ownerReferences"] == owner
    assert written["metadata"]["generation"] == 1
    written = await cluster.client.patch(PODS, "p", patch, "demo", subresource="status")
    assert written["metadata"]["labels"]["a"] == "b"
    assert "ownerReferences" not in written["metadata"]
    assert written["metadata"]["uid"] == made["metadata"]["uid"]


async def test_metadata_written_through_status_is_checked(cluster: Cluster) -> None:
    await cluster.client.create(SERVICES, service("s"), "demo")
    patch = {"metadata": {"labels": {"a": "not good"}}}
    with pytest.raises(Invalid, match=r"metadata\.labels: Invalid value"):
        await cluster.client.patch(SERVICES, "s", patch, "demo", subresource="status")


@pytest.mark.parametrize("resource", [SERVICES, LEASES, ENDPOINTS, EVENTS, CLUSTER_ROLES])
async def test_a_put_creates_where_upstream_lets_it(cluster: Cluster, resource: Resource) -> None:
    obj: Object = {"metadata": {"name": "new"}, **NEW.get(resource, {})}
    if resource.namespaced:
        obj["metadata"]["namespace"] = "demo"
    path = f"/{'api' if not resource.group else 'apis'}/{resource.api_version}/"
    path += f"namespaces/demo/{resource.plural}/new" if resource.namespaced else f"{resource.plural}/new"
    status, _, made = await cluster.request("PUT", path, obj)
    assert (status, made["metadata"]["name"]) == (201, "new")
    assert made["metadata"]["uid"]
    status, _, again = await cluster.request("PUT", path, made)
    assert (status, again["metadata"]["uid"]) == (200, made["metadata"]["uid"])


NEW: dict[Resource, Object] = {
    SERVICES: {"spec": {"ports": [{"port": 80}]}},
    EVENTS: {"involvedObject": {"namespace": "demo"}},
}


async def test_a_put_that_would_create_needs_the_right_to_create(cluster: Cluster) -> None:
    only_update = {"rules": [{"apiGroups": ["*"], "resources": ["leases"], "verbs": ["update"]}]}
    await cluster.client.create(ROLES, {"metadata": {"name": "r"}, **only_update}, "demo")
    subject = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "eve"}
    role = {"kind": "Role", "apiGroup": "rbac.authorization.k8s.io", "name": "r"}
    await cluster.client.create(
        ROLE_BINDINGS, {"metadata": {"name": "r"}, "subjects": [subject], "roleRef": role}, "demo"
    )
    eve = cluster.server.client("eve", ())
    lease = {"metadata": {"name": "new", "namespace": "demo"}, "spec": {}}
    with pytest.raises(Forbidden, match='User "eve" cannot create resource "leases"'):
        await eve.update(LEASES, lease)
    made = await cluster.client.create(LEASES, lease, "demo")
    assert (await eve.update(LEASES, made | {"spec": {"holderIdentity": "eve"}}))["spec"]["holderIdentity"] == "eve"


async def test_a_put_for_an_object_that_is_gone_creates_no_other(cluster: Cluster) -> None:
    obj = service("s") | {"metadata": {"name": "s", "namespace": "demo", "uid": "that-of-another"}}
    with pytest.raises(Conflict, match="Precondition failed: UID in precondition: that-of-another"):
        await cluster.client.update(SERVICES, obj)


async def test_a_lease_is_updated_from_a_version_only(cluster: Cluster) -> None:
    lease: Object = {"metadata": {"name": "l", "namespace": "demo"}, "spec": {}}
    made = await cluster.client.create(LEASES, lease, "demo")
    with pytest.raises(Invalid, match=r"metadata\.resourceVersion: Invalid value: 0: must be specified for an update"):
        await cluster.client.update(LEASES, lease | {"spec": {"holderIdentity": "x"}})
    changed = made | {"spec": {"holderIdentity": "x"}}
    assert (await cluster.client.update(LEASES, changed))["spec"] == {"holderIdentity": "x"}


async def test_a_namespace_loses_its_own_finalizer_through_finalize_only(cluster: Cluster) -> None:
    made = await cluster.client.get(NAMESPACES, "demo")
    assert made["spec"] == {"finalizers": ["kubernetes"]}
    plain = await cluster.client.update(NAMESPACES, made | {"spec": {}})
    assert plain["spec"] == made["spec"]
    finalized = await cluster.client.update(NAMESPACES, made | {"spec": {}}, subresource="finalize")
    assert finalized["spec"] == {}


async def test_what_identifies_an_object_cannot_be_changed(cluster: Cluster) -> None:
    made = await cluster.client.create(CONFIG_MAPS, config_map("a"), "demo")
    changed = made | {"metadata": made["metadata"] | {"creationTimestamp": "2001-01-01T00:00:00Z"}}
    assert (await cluster.client.update(CONFIG_MAPS, changed))["metadata"] == made["metadata"]
    with pytest.raises(BadRequest, match="does not match the name on the URL"):
        await cluster.client.patch(CONFIG_MAPS, "a", {"metadata": {"name": "b"}}, "demo")


async def test_an_object_being_deleted_takes_no_new_finalizers(cluster: Cluster) -> None:
    obj = config_map("a")
    obj["metadata"]["finalizers"] = ["example.com/one"]
    await cluster.client.create(CONFIG_MAPS, obj, "demo")
    await cluster.client.delete(CONFIG_MAPS, "a", "demo")
    patch = {"metadata": {"finalizers": ["example.com/one", "example.com/two"]}}
    with pytest.raises(Invalid, match="no new finalizers can be added if the object is being deleted"):
        await cluster.client.patch(CONFIG_MAPS, "a", patch, "demo")


async def test_patches_that_race_all_count(cluster: Cluster) -> None:
    await cluster.client.create(CONFIG_MAPS, config_map("a"), "demo")
    await asyncio.gather(*(cluster.client.patch(CONFIG_MAPS, "a", {"data": {f"k{n}": "v"}}, "demo") for n in range(20)))
    assert len((await cluster.client.get(CONFIG_MAPS, "a", "demo"))["data"]) == 20


async def test_a_kind_is_checked_after_a_patch_too(cluster: Cluster) -> None:
    await cluster.client.create(DEPLOYMENTS, deployment("a"), "demo")
    with pytest.raises(Invalid, match=r"spec\.replicas: Invalid value: -1"):
        await cluster.client.patch(DEPLOYMENTS, "a", {"spec": {"replicas": -1}}, "demo")
    with pytest.raises(BadRequest, match="cannot unmarshal string into Go struct field"):
        await cluster.client.patch(DEPLOYMENTS, "a", {"spec": {"replicas": "two"}}, "demo")


async def test_a_cluster_scoped_object_is_updated_without_a_namespace(cluster: Cluster) -> None:
    await cluster.client.create(NODES, {"metadata": {"name": "n"}})
    patched = await cluster.client.patch(NODES, "n", {"metadata": {"labels": {"a": "b"}}})
    assert patched["metadata"]["labels"]["a"] == "b"
    assert "namespace" not in patched["metadata"]
