"""`pods/resize` changes what containers ask for and may use, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.harness import Cluster
from tests.apiserver.samples import binding, node, pod
from wherry.objects import Object
from wherry.objects.errors import ApiError, Forbidden, Invalid
from wherry.objects.resource import (
    LIMIT_RANGES,
    NODES,
    PODS,
    RESOURCE_QUOTAS,
    ROLE_BINDINGS,
    ROLES,
    VALIDATING_ADMISSION_POLICIES,
    VALIDATING_ADMISSION_POLICY_BINDINGS,
)

SMALL = {"requests": {"cpu": "100m", "memory": "50Mi"}, "limits": {"cpu": "200m", "memory": "100Mi"}}
LARGE = {"requests": {"cpu": "150m", "memory": "60Mi"}, "limits": {"cpu": "300m", "memory": "200Mi"}}


def burstable(**spec: Any) -> Object:
    return pod("a", **{"containers": [{"name": "c", "image": "i", "resources": SMALL}], **spec})


async def resize(cluster: Cluster, resources: Object, name: str = "c", key: str = "containers") -> Object:
    patch = {"spec": {key: [{"name": name, "resources": resources}]}}
    return await cluster.client.patch(PODS, "a", patch, "demo", type="strategic", subresource="resize")


async def test_resources_change_and_the_generation_counts_it(cluster: Cluster) -> None:
    made = await cluster.client.create(PODS, burstable(), "demo")
    after = await resize(cluster, LARGE)
    assert after["spec"]["containers"][0]["resources"] == LARGE
    assert [made["metadata"]["generation"], after["metadata"]["generation"]] == [1, 2]
    assert (await resize(cluster, LARGE))["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]
    assert "resizePolicy" not in after["spec"]["containers"][0]  # what is not named goes on


async def test_it_takes_every_sort_of_patch_and_puts(cluster: Cluster) -> None:
    await cluster.client.create(PODS, burstable(), "demo")
    path = "/api/v1/namespaces/demo/pods/a/resize"
    bodies = {
        "application/json-patch+json": [
            {"op": "replace", "path": "/spec/containers/0/resources/limits/cpu", "value": "201m"}
        ],
        "application/merge-patch+json": {
            "spec": {"containers": [{"name": "c", "image": "i", "resources": {**SMALL, "limits": {**LARGE["limits"]}}}]}
        },
        "application/strategic-merge-patch+json": {
            "spec": {"containers": [{"name": "c", "resources": {"limits": {"cpu": "202m"}}}]}
        },
    }
    for sort, body in bodies.items():
        status, _, answer = await cluster.request("PATCH", path, body, Content_Type=sort)
        assert status == 200, answer
    assert answer["spec"]["containers"][0]["resources"]["limits"] == {"cpu": "202m", "memory": "200Mi"}
    status, _, shown = await cluster.request("GET", path)
    assert (status, shown["kind"]) == (200, "Pod")
    shown["spec"]["containers"][0]["resources"]["limits"]["cpu"] = "1"
    status, _, answer = await cluster.request("PUT", path, shown)
    assert (status, answer["spec"]["containers"][0]["resources"]["limits"]["cpu"]) == (200, "1")


async def test_who_applies_through_it_owns_resources_alone(cluster: Cluster) -> None:
    await cluster.client.create(PODS, burstable(), "demo")
    config = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a", "labels": {"x": "y"}},
        "spec": {"containers": [{"name": "c", "image": "other", "resources": {"limits": {"cpu": "1"}}}]},
    }
    path = "/api/v1/namespaces/demo/pods/a/resize?fieldManager=sizer&force=true"
    status, _, answer = await cluster.request("PATCH", path, config, Content_Type="application/apply-patch+yaml")
    assert status == 200, answer
    container = answer["spec"]["containers"][0]
    assert (container["image"], container["resources"]["limits"]["cpu"]) == ("i", "1")
    assert answer["metadata"]["labels"] == {"app": "a"}
    [entry] = [one for one in answer["metadata"]["managedFields"] if one["manager"] == "sizer"]
    assert entry["subresource"] == "resize"
    assert entry["fieldsV1"] == {
        "f:spec": {"f:containers": {'k:{"name":"c"}': {"f:resources": {"f:limits": {"f:cpu": {}}}}}}
    }


async def test_an_ordinary_update_cannot_change_resources(cluster: Cluster) -> None:
    await cluster.client.create(PODS, burstable(), "demo")
    patch = {"spec": {"containers": [{"name": "c", "resources": LARGE}]}}
    with pytest.raises(Invalid, match="pod updates may not change fields other than"):
        await cluster.client.patch(PODS, "a", patch, "demo", type="strategic")


async def test_nothing_else_changes_with_it(cluster: Cluster) -> None:
    made = await cluster.client.create(PODS, burstable(), "demo")
    changed = {
        **made,
        "metadata": {**made["metadata"], "labels": {"x": "y"}},
        "spec": {**made["spec"], "activeDeadlineSeconds": 9},
        "status": {"phase": "Failed"},
    }
    changed["spec"]["containers"] = [{**made["spec"]["containers"][0], "image": "other", "resources": LARGE}]
    after = await cluster.client.update(PODS, changed, subresource="resize")
    assert after["metadata"]["labels"] == {"app": "a"}
    assert after["spec"] == {**made["spec"], "containers": [{**made["spec"]["containers"][0], "resources": LARGE}]}
    assert after["status"] == made["status"]


UNLIMITED = {"requests": {"cpu": "1", "memory": "1Gi"}}
LIMITED = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}}


@pytest.mark.parametrize(
    ("had", "asked", "says"),
    [
        (
            UNLIMITED,
            {"requests": {"cpu": None}},
            "containers.0..resources.requests: Forbidden: resource requests cannot",
        ),
        (SMALL, {"limits": {"memory": None}}, "containers.0..resources.limits: Forbidden: resource limits cannot"),
        (SMALL, {"requests": {"ephemeral-storage": "1Gi"}}, "spec: Forbidden: only cpu and memory resources are mut"),
        (SMALL, {"requests": {"cpu": "300m"}}, "must be less than or equal to cpu limit of 200m"),
        (LIMITED, {"limits": {"cpu": "2"}}, "spec: Invalid value: .*Pod QOS Class may not change as a result of resiz"),
        ({}, {"requests": {"cpu": "1"}}, "Pod QOS Class may not change"),
    ],
)
async def test_what_may_not_become_of_resources_is_named(
    cluster: Cluster, had: Object, asked: Object, says: str
) -> None:
    await cluster.client.create(PODS, burstable(containers=[{"name": "c", "image": "i", "resources": had}]), "demo")
    with pytest.raises(Invalid, match=says):
        await resize(cluster, asked)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"containers": []}, "spec.containers: Forbidden: containers may not be added or removed on resize"),
        ({"containers": [{"name": "d", "image": "i"}]}, "containers.0..name: Forbidden: containers may not be renamed"),
        (
            {"containers": [{"name": "c", "image": "i", "resources": SMALL, "resizePolicy": [
                {"resourceName": "cpu", "restartPolicy": "RestartContainer"}]}]},
            "spec: Forbidden: only cpu and memory resources are mutable",
        ),
        ({"resources": {"limits": {"cpu": "3"}}}, "resize of pods with pod-level resources is not supported"),
    ],
)  # fmt: skip
async def test_containers_stay_as_they_are(cluster: Cluster, spec: Object, says: str) -> None:
    made = await cluster.client.create(PODS, burstable(), "demo")
    with pytest.raises(Invalid, match=says):
        await cluster.client.update(PODS, {**made, "spec": {**made["spec"], **spec}}, subresource="resize")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"metadata": {"annotations": {"kubernetes.io/config.mirror": "x"}}}, "static pods cannot be resized"),
        ({"spec": {"os": {"name": "windows"}}}, "windows pods cannot be resized"),
    ],
)
async def test_some_pods_are_never_resized(cluster: Cluster, changes: Object, says: str) -> None:
    obj = burstable(nodeName="n", **changes.get("spec", {}))
    obj["metadata"] |= changes.get("metadata", {})
    await cluster.client.create(PODS, obj, "demo")
    with pytest.raises(Invalid, match=says):
        await resize(cluster, LARGE)


async def test_a_node_that_does_not_tell_what_containers_have_does_not_resize(cluster: Cluster) -> None:
    await cluster.client.create(PODS, burstable(), "demo")
    status = {"containerStatuses": [{"name": "c", "state": {"running": {}}, "ready": True, "restartCount": 0,
                                     "image": "i", "imageID": ""}]}  # fmt: skip
    await cluster.client.patch(PODS, "a", {"status": status}, "demo", subresource="status")
    with pytest.raises(Invalid, match="Pod running on node without support for resize"):
        await resize(cluster, LARGE)


async def test_init_containers_are_resized_unless_they_would_have_to_start_again(cluster: Cluster) -> None:
    policy = [{"resourceName": "cpu", "restartPolicy": "RestartContainer"}]
    inits = [
        {"name": "once", "image": "i", "resources": SMALL},
        {"name": "side", "image": "i", "resources": SMALL, "restartPolicy": "Always", "resizePolicy": policy},
    ]
    await cluster.client.create(PODS, burstable(initContainers=inits), "demo")
    for name in ("once", "side"):
        after = await resize(cluster, LARGE, name, "initContainers")
        assert {c["name"]: c["resources"] for c in after["spec"]["initContainers"]}[name] == LARGE
    with pytest.raises(Invalid, match="must not be set to 'RestartContainer' for non-sidecar initContainers"):
        await cluster.client.create(PODS, pod("b", initContainers=[{**inits[0], "resizePolicy": policy}]), "demo")


@pytest.mark.parametrize(
    ("policies", "restart", "says"),
    [
        ([("cpu", "NotRequired"), ("cpu", "NotRequired")], "Always", r'resizePolicy\[1\]: Duplicate value: "cpu"'),
        ([("pods", "NotRequired")], "Always", 'Unsupported value: "pods": supported values: "cpu", "memory"'),
        ([("cpu", "Maybe")], "Always", '"Maybe": supported values: "NotRequired", "RestartContainer"'),
        ([("cpu", "RestartContainer")], "Never", "must be 'NotRequired' when pod `restartPolicy` is 'Never'"),
    ],
)
async def test_policies_are_checked(cluster: Cluster, policies: list[tuple[str, str]], restart: str, says: str) -> None:
    listed = [{"resourceName": resource, "restartPolicy": policy} for resource, policy in policies]
    containers = [{"name": "c", "image": "i", "resizePolicy": listed}]
    with pytest.raises(Invalid, match=says):
        await cluster.client.create(PODS, burstable(containers=containers, restartPolicy=restart), "demo")


async def test_a_pod_does_not_grow_beyond_its_node(cluster: Cluster) -> None:
    small = node("n")
    small["status"]["allocatable"] = {"cpu": "1", "memory": "1Gi"}
    await cluster.client.create(NODES, small)
    await cluster.client.patch(NODES, "n", {"status": small["status"]}, subresource="status")
    await cluster.client.create(PODS, burstable(), "demo")
    bound = await cluster.request("POST", "/api/v1/namespaces/demo/pods/a/binding", binding("a", "n"))
    assert bound[0] == 201
    with pytest.raises(Forbidden, match="allocatable resources: cpu, requested: 2000, allocatable: 1000") as refused:
        await resize(cluster, {"requests": {"cpu": "2"}, "limits": {"cpu": "2"}})
    assert refused.value.details is not None
    assert refused.value.details["causes"] == [{"reason": "NodeCapacity"}]
    assert (await resize(cluster, LARGE))["metadata"]["generation"] == 2  # a binding does not count


async def test_quotas_count_the_most_of_what_is_wanted_and_what_is_there(cluster: Cluster) -> None:
    quota = {"metadata": {"name": "q"}, "spec": {"hard": {"requests.cpu": "200m"}}}
    await cluster.client.create(PODS, burstable(), "demo")
    await cluster.client.create(RESOURCE_QUOTAS, quota, "demo")
    with pytest.raises(Forbidden, match=r"exceeded quota: q, requested: requests\.cpu=150m"):
        await resize(cluster, {"requests": {"cpu": "250m"}, "limits": {"cpu": "250m"}})
    await resize(cluster, LARGE)
    status = {"containerStatuses": [{"name": "c", "state": {"running": {}}, "ready": True, "restartCount": 0,
                                     "image": "i", "imageID": "", "allocatedResources": LARGE["requests"],
                                     "resources": LARGE}]}  # fmt: skip
    await cluster.client.patch(PODS, "a", {"status": status}, "demo", subresource="status")
    await resize(cluster, SMALL)
    with pytest.raises(Forbidden, match=r"used: requests\.cpu=150m"):
        await cluster.client.create(PODS, {**burstable(), "metadata": {"name": "b"}}, "demo")


async def test_limit_ranges_bound_a_resize(cluster: Cluster) -> None:
    await cluster.client.create(PODS, burstable(), "demo")
    limits = [{"type": "Container", "max": {"cpu": "250m"}}]
    await cluster.client.create(LIMIT_RANGES, {"metadata": {"name": "r"}, "spec": {"limits": limits}}, "demo")
    with pytest.raises(Forbidden, match="maximum cpu usage per Container is 250m, but limit is 300m"):
        await resize(cluster, LARGE)


async def test_a_status_that_does_not_say_what_it_observed_keeps_what_was_said(cluster: Cluster) -> None:
    await cluster.client.create(PODS, burstable(), "demo")
    said = {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True", "observedGeneration": 1}]}
    made = await cluster.client.patch(PODS, "a", {"status": said}, "demo", subresource="status")
    silent = {**made["status"], "conditions": [{"type": "Ready", "status": "False"}]}
    del silent["observedGeneration"]
    after = await cluster.client.update(PODS, {**made, "status": silent}, subresource="status")
    assert after["status"]["observedGeneration"] == 1
    assert after["status"]["conditions"][0]["observedGeneration"] == 1


async def test_it_takes_a_right_of_its_own(cluster: Cluster) -> None:
    await cluster.client.create(PODS, burstable(), "demo")
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["*"]}]
    await cluster.client.create(ROLES, {"metadata": {"name": "sizer"}, "rules": rules}, "demo")
    group = "rbac.authorization.k8s.io"
    bound = {
        "metadata": {"name": "jane"},
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "sizer"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": "jane"}],
    }
    await cluster.client.create(ROLE_BINDINGS, bound, "demo")
    jane = cluster.server.client("jane", ["dev"])
    patch = {"spec": {"containers": [{"name": "c", "resources": LARGE}]}}
    with pytest.raises(Forbidden, match='User "jane" cannot patch resource "pods/resize"'):
        await jane.patch(PODS, "a", patch, "demo", type="strategic", subresource="resize")
    rules[0]["resources"].append("pods/resize")  # type: ignore[attr-defined]
    await cluster.client.patch(ROLES, "sizer", {"rules": rules}, "demo")
    await jane.patch(PODS, "a", patch, "demo", type="strategic", subresource="resize")


async def test_policies_see_the_subresource(cluster: Cluster) -> None:
    await cluster.client.create(PODS, burstable(), "demo")
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["pods/resize"]}
    expression = "request.subResource != 'resize' || object.spec.containers[0].resources.limits['cpu'] == '200m'"
    spec = {"matchConstraints": {"resourceRules": [rule]}, "validations": [{"expression": expression}]}
    await cluster.client.create(VALIDATING_ADMISSION_POLICIES, {"metadata": {"name": "p"}, "spec": spec})
    bound = {"policyName": "p", "validationActions": ["Deny"]}
    await cluster.client.create(VALIDATING_ADMISSION_POLICY_BINDINGS, {"metadata": {"name": "b"}, "spec": bound})
    with pytest.raises(ApiError, match="ValidatingAdmissionPolicy 'p' with binding 'b' denied request"):
        await resize(cluster, LARGE)
    await resize(cluster, {"limits": {"memory": "128Mi"}})
    await cluster.client.patch(PODS, "a", {"metadata": {"labels": {"x": "y"}}}, "demo")
