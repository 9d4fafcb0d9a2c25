"""Parts of objects: scale, status, and what is posted to pods."""

from __future__ import annotations

import pytest

from tests.apiserver.harness import Cluster
from tests.apiserver.samples import binding, config_map, deployment, node, pod
from wherry.objects.errors import ApiError, BadRequest, Conflict, Invalid, MethodNotAllowed, NotFound
from wherry.objects.resource import CONFIG_MAPS, DEPLOYMENTS, NODES, PODS

SCALE = "/apis/apps/v1/namespaces/demo/deployments/a/scale"


async def test_a_scale_shows_and_sets_the_replicas(cluster: Cluster) -> None:
    made = await cluster.client.create(DEPLOYMENTS, deployment("a", 2), "demo")
    _, _, scale = await cluster.request("GET", SCALE)
    assert scale["kind"] == "Scale"
    assert scale["apiVersion"] == "autoscaling/v1"
    assert scale["spec"] == {"replicas": 2}
    assert scale["status"] == {"replicas": 0, "selector": "app=a"}
    assert scale["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
    scale["spec"]["replicas"] = 5
    status, _, answer = await cluster.request("PUT", SCALE, scale)
    assert (status, answer["spec"]) == (200, {"replicas": 5})
    assert (await cluster.client.get(DEPLOYMENTS, "a", "demo"))["spec"]["replicas"] == 5
    status, _, answer = await cluster.request("PUT", SCALE, scale)
    assert (status, answer["reason"]) == (409, "Conflict")


async def test_a_scale_can_be_patched_and_is_checked(cluster: Cluster) -> None:
    await cluster.client.create(DEPLOYMENTS, deployment("a", 2), "demo")
    patched = await cluster.client.patch(DEPLOYMENTS, "a", {"spec": {"replicas": 0}}, "demo", subresource="scale")
    assert patched["spec"].get("replicas", 0) == 0
    with pytest.raises(Invalid):
        await cluster.client.patch(DEPLOYMENTS, "a", {"spec": {"replicas": -1}}, "demo", subresource="scale")


async def test_a_part_that_a_kind_does_not_have_is_not_found(cluster: Cluster) -> None:
    await cluster.client.create(CONFIG_MAPS, config_map("a"), "demo")
    for call in (
        cluster.client.patch(CONFIG_MAPS, "a", {}, "demo", subresource="status"),
        cluster.client.create(CONFIG_MAPS, {}, "demo", name="a", subresource="binding"),
    ):
        with pytest.raises(NotFound, match="the server could not find the requested resource"):
            await call


async def test_a_binding_gives_a_pod_its_node_once(cluster: Cluster) -> None:
    await cluster.client.create(NODES, node("n1"))
    await cluster.client.create(PODS, pod("a"), "demo")
    bound = binding("a", "n1")
    answer = await cluster.client.create(PODS, bound, "demo", name="a", subresource="binding")
    assert answer["status"] == "Success"
    made = await cluster.client.get(PODS, "a", "demo")
    assert made["spec"]["nodeName"] == "n1"
    (condition,) = made["status"]["conditions"]
    assert (condition["type"], condition["status"]) == ("PodScheduled", "True")
    text = 'Operation cannot be fulfilled on pods/binding "a": pod a is already assigned to node "n1"'
    with pytest.raises(Conflict, match=f"^{text}$"):
        await cluster.client.create(PODS, bound, "demo", name="a", subresource="binding")


async def test_an_eviction_may_leave_out_what_it_is(cluster: Cluster) -> None:
    """As that of the Python client does."""
    await cluster.client.create(PODS, pod("a"), "demo")
    await cluster.client.create(PODS, {"metadata": {"name": "a"}}, "demo", name="a", subresource="eviction")
    with pytest.raises(NotFound):
        await cluster.client.get(PODS, "a", "demo")


async def test_a_gated_pod_gets_no_node(cluster: Cluster) -> None:
    await cluster.client.create(PODS, pod("a", schedulingGates=[{"name": "x"}]), "demo")
    with pytest.raises(Conflict, match=r"pod a has non-empty .spec.schedulingGates"):
        await cluster.client.create(PODS, binding("a", "n"), "demo", name="a", subresource="binding")


async def test_a_pod_cannot_move_by_an_update(cluster: Cluster) -> None:
    await cluster.client.create(NODES, node("n1"))
    await cluster.client.create(PODS, pod("a"), "demo")
    with pytest.raises(Invalid):
        await cluster.client.patch(PODS, "a", {"spec": {"nodeName": "n1"}}, "demo")


async def test_an_eviction_deletes_a_pod_as_it_asks(cluster: Cluster) -> None:
    await cluster.client.create(PODS, pod("a"), "demo")
    wrong = {"kind": "Eviction", "apiVersion": "policy/v1", "deleteOptions": {"preconditions": {"uid": "x"}}}
    with pytest.raises(Conflict):
        await cluster.client.create(PODS, wrong, "demo", name="a", subresource="eviction")
    right = {"kind": "Eviction", "apiVersion": "policy/v1", "metadata": {"name": "a"}}
    await cluster.client.create(PODS, right, "demo", name="a", subresource="eviction")
    with pytest.raises(NotFound):
        await cluster.client.get(PODS, "a", "demo")
    with pytest.raises(BadRequest):
        await cluster.client.create(PODS, {"kind": "Pod"}, "demo", name="a", subresource="eviction")


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("PUT", "/api/v1/namespaces/demo/configmaps", MethodNotAllowed),
        ("PATCH", "/api/v1/namespaces/demo/configmaps", MethodNotAllowed),
        ("POST", "/api/v1/namespaces/demo/configmaps/a", MethodNotAllowed),
        ("DELETE", "/apis/apps/v1/namespaces/demo/deployments/a/scale", MethodNotAllowed),
        ("GET", "/api/v1/namespaces/demo/finalize", MethodNotAllowed),
        ("GET", "/apis/authentication.k8s.io/v1/tokenreviews", MethodNotAllowed),
        ("GET", "/api/v1/nosuch", NotFound),
        ("GET", "/apis/apps/v2/deployments", NotFound),
        ("GET", "/apis/nosuch/v1/things", NotFound),
        ("GET", "/nosuch", NotFound),
        ("GET", "/api/v1/configmaps/a", NotFound),
        ("GET", "/api/v1/namespaces/demo/services/s/proxy/index.html", NotFound),
        ("GET", "/api/v1/namespaces/demo/nodes", NotFound),
    ],
)
async def test_what_is_not_served_is_refused_as_clients_expect(
    cluster: Cluster, method: str, path: str, expected: type[ApiError]
) -> None:
    body = {} if method in ("PUT", "POST", "PATCH") else None
    headers = {"Content_Type": "application/merge-patch+json"} if method == "PATCH" else {}
    status, _, answer = await cluster.request(method, path, body, **headers)
    assert (status, answer["kind"], answer["reason"]) == (expected.code, "Status", expected.reason)
