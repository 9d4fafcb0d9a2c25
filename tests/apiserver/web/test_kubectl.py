"""Real kubectls, old and new, against the server."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.apiserver.harness import KUBECTL, Cluster
from tests.apiserver.kubectl import Kubectl
from tests.apiserver.samples import binding, deployment, node, pod
from wherry.objects.resource import CONFIG_MAPS, DEPLOYMENTS, NODES, PODS


@pytest.fixture(params=KUBECTL)
def version(request: pytest.FixtureRequest) -> str:
    if not KUBECTL[request.param].exists():
        pytest.skip(f"kubectl {request.param} is not installed")
    return str(request.param)


@pytest.fixture
def kubectl(cluster: Cluster, version: str) -> Kubectl:
    return Kubectl(cluster, version)


CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": "1"}}


async def test_create_get_describe_label_delete(kubectl: Kubectl) -> None:
    assert await kubectl("create", "-f", "-", input=CONFIG_MAP) == "configmap/a created\n"
    assert (await kubectl("get", "cm", "a")).splitlines()[0].split() == ["NAME", "DATA", "AGE"]
    assert "x:" in await kubectl("describe", "cm", "a")
    assert await kubectl("label", "cm", "a", "tier=front") == "configmap/a labeled\n"
    assert "tier=front" in await kubectl("get", "cm", "-l", "tier in (front)", "--show-labels")
    assert await kubectl("annotate", "cm", "a", "k=v") in ("configmap/a annotated\n", "configmap/a annotate\n")
    assert 'configmap "a" deleted' in await kubectl("delete", "cm", "a")
    assert 'configmaps "a" not found' in await kubectl("get", "cm", "a", fails=True)


async def test_apply_creates_configures_and_leaves_alone(kubectl: Kubectl, cluster: Cluster) -> None:
    obj = {"apiVersion": "apps/v1", "kind": "Deployment", **deployment("web", 2)}
    assert await kubectl("apply", "-f", "-", input=obj) == "deployment.apps/web created\n"
    assert await kubectl("apply", "-f", "-", input=obj) == "deployment.apps/web unchanged\n"
    obj["spec"]["template"]["spec"]["containers"].append({"name": "second", "image": "j"})
    del obj["spec"]["replicas"]
    assert await kubectl("apply", "--dry-run=server", "-f", "-", input=obj) == (
        "deployment.apps/web configured (server dry run)\n"
    )
    assert await kubectl("apply", "-f", "-", input=obj) == "deployment.apps/web configured\n"
    made = await cluster.client.get(DEPLOYMENTS, "web", "demo")
    assert [c["name"] for c in made["spec"]["template"]["spec"]["containers"]] == ["c", "second"]
    assert made["spec"]["replicas"] == 1


async def test_apply_after_create_warns(kubectl: Kubectl, cluster: Cluster, version: str) -> None:
    await kubectl("create", "-f", "-", input=CONFIG_MAP)
    _, out, err = await cluster.kubectl("-n", "demo", "apply", "-f", "-", version=version, input=json.dumps(CONFIG_MAP))
    assert out == "configmap/a configured\n"
    assert "is missing the kubectl.kubernetes.io/last-applied-configuration annotation" in err or (
        "apply should be used on resource created by either kubectl create --save-config or kubectl apply" in err
    )


async def test_typed_creates(kubectl: Kubectl, cluster: Cluster) -> None:
    """Newer kubectls send these as protobuf."""
    await kubectl("create", "configmap", "b", "--from-literal=k=v")
    await kubectl("create", "secret", "generic", "s", "--from-literal=k=v")
    await kubectl("create", "deployment", "d", "--image=i")
    await kubectl("create", "serviceaccount", "sa")
    await kubectl("create", "role", "r", "--verb=get", "--resource=pods")
    await kubectl("create", "rolebinding", "rb", "--role=r", "--serviceaccount=demo:sa")
    await kubectl("create", "namespace", "more")
    assert (await cluster.client.get(CONFIG_MAPS, "b", "demo"))["data"] == {"k": "v"}
    assert await kubectl("auth", "can-i", "get", "pods", "--as-nothing", fails=True)
    assert await kubectl("get", "secret", "s", "-o", "jsonpath={.data.k}") == "dg=="


async def test_scale_patch_edit_and_set(kubectl: Kubectl, cluster: Cluster) -> None:
    await cluster.client.create(DEPLOYMENTS, deployment("web"), "demo")
    assert "scaled" in await kubectl("scale", "deploy", "web", "--replicas=4")
    await kubectl("patch", "deploy", "web", "-p", '{"spec":{"minReadySeconds":3}}')
    await kubectl("patch", "deploy", "web", "--type=json", "-p", '[{"op":"replace","path":"/spec/replicas","value":5}]')
    await kubectl("patch", "deploy", "web", "--type=merge", "-p", '{"spec":{"paused":true}}')
    await kubectl("set", "image", "deploy/web", "c=new")
    spec = (await cluster.client.get(DEPLOYMENTS, "web", "demo"))["spec"]
    assert (spec["replicas"], spec["minReadySeconds"], spec["paused"]) == (5, 3, True)
    assert spec["template"]["spec"]["containers"][0]["image"] == "new"


async def test_wait_sees_a_condition_come(kubectl: Kubectl, cluster: Cluster) -> None:
    await cluster.client.create(DEPLOYMENTS, deployment("web"), "demo")
    waiting = asyncio.create_task(kubectl("wait", "deploy", "web", "--for=condition=Available", "--timeout=20s"))
    await cluster.watched(DEPLOYMENTS)
    condition = {"type": "Available", "status": "True", "reason": "r", "message": "m"}
    status = {"status": {"observedGeneration": 1, "conditions": [condition]}}
    await cluster.client.patch(DEPLOYMENTS, "web", status, "demo", subresource="status")
    assert "condition met" in await waiting


async def test_get_watch_prints_changes(cluster: Cluster, version: str) -> None:
    process = await cluster.start_kubectl("-n", "demo", "get", "cm", "-w", "--no-headers", version=version)
    assert process.stdout is not None
    try:
        await cluster.watched(CONFIG_MAPS)
        await cluster.client.create(CONFIG_MAPS, CONFIG_MAP, "demo")
        await cluster.client.patch(CONFIG_MAPS, "a", {"data": {"y": "1"}}, "demo")
        async with asyncio.timeout(10):
            for expected in ("1", "2"):
                assert (await process.stdout.readline()).decode().split()[:2] == ["a", expected]
    finally:
        process.kill()
        await process.communicate()


async def test_delete_waits_until_a_pod_is_gone(kubectl: Kubectl, cluster: Cluster) -> None:
    await cluster.client.create(NODES, node("n1"))
    await cluster.client.create(PODS, pod("a"), "demo")
    await cluster.client.create(PODS, binding("a", "n1"), "demo", name="a", subresource="binding")
    deleting = asyncio.create_task(kubectl("delete", "pod", "a"))
    await cluster.watched(PODS)
    assert not deleting.done()
    await cluster.client.delete(PODS, "a", "demo", grace_period_seconds=0)
    assert 'pod "a" deleted' in await deleting


async def test_explain_reads_the_schema(kubectl: Kubectl) -> None:
    assert "replicas" in await kubectl("explain", "deployment.spec")
    assert "<integer>" in await kubectl("explain", "deployment.spec.replicas")


async def test_bad_input_is_named_and_changes_nothing(kubectl: Kubectl, cluster: Cluster, tmp_path: Path) -> None:
    service: Any = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {}}
    assert "spec.ports: Required value" in await kubectl("create", "-f", "-", input=service, fails=True)
    service["spec"] = {"type": "NodePort", "ports": [{"port": 80, "nodePort": 99}]}
    error = await kubectl("create", "-f", "-", input=service, fails=True)
    assert "spec.ports[0].nodePort: Invalid value: 99: provided port is not in the valid range" in error
    unknown = CONFIG_MAP | {"dta": {}}
    assert 'unknown field "dta"' in await kubectl("create", "-f", "-", input=unknown, fails=True)
    (tmp_path / "bad.yaml").write_text("a: [b")
    assert "yaml" in await kubectl("create", "-f", str(tmp_path / "bad.yaml"), fails=True)
    elsewhere = CONFIG_MAP | {"metadata": {"name": "a", "namespace": "nowhere"}}
    assert "does not match" in await kubectl("create", "-f", "-", input=elsewhere, fails=True)
    assert "doesn't have a resource type" in await kubectl("get", "nosuch", fails=True)
    _, out, _ = await cluster.kubectl("-n", "demo", "get", "svc,cm", "-o", "name")
    assert out == ""


async def test_replace_and_diff_and_all_namespaces(kubectl: Kubectl) -> None:
    await kubectl("create", "-f", "-", input=CONFIG_MAP)
    changed = CONFIG_MAP | {"data": {"x": "2"}}
    assert "replaced" in await kubectl("replace", "-f", "-", input=changed)
    assert "demo" in await kubectl("get", "cm", "-A")
    assert await kubectl("get", "cm", "a", "-o", "jsonpath={.data.x}") == "2"
    assert "deleted" in await kubectl("delete", "cm", "--all")


async def test_who_may_what(kubectl: Kubectl) -> None:
    assert await kubectl("auth", "can-i", "create", "pods") == "yes\n"
    assert "*.*" in await kubectl("auth", "can-i", "--list")


async def test_the_old_ingress_is_created_with_a_warning(cluster: Cluster, version: str) -> None:
    path = {"path": "/", "backend": {"serviceName": "myblog", "servicePort": 80}}
    ingress = {
        "apiVersion": "extensions/v1beta1",
        "kind": "Ingress",
        "metadata": {"name": "myblog", "namespace": "demo"},
        "spec": {"rules": [{"host": "myblog.devops.cn", "http": {"paths": [path]}}]},
    }
    code, out, err = await cluster.kubectl("create", "-f", "-", version=version, input=json.dumps(ingress))
    assert (code, out) == (0, "ingress.extensions/myblog created\n")
    assert "Warning: extensions/v1beta1 Ingress is deprecated" in err
    code, out, _ = await cluster.kubectl("-n", "demo", "get", "ingress", version=version)
    assert out.splitlines()[1].split()[:3] == ["myblog", "<none>", "myblog.devops.cn"]


async def test_addresses_and_their_ranges_are_shown(kubectl: Kubectl, version: str) -> None:
    if version == "1.20":
        assert "kubernetes" in await kubectl("get", "servicecidrs")
        return
    ranges = (await kubectl("get", "servicecidr")).splitlines()
    assert [line.split()[:2] for line in ranges] == [["NAME", "CIDRS"], ["kubernetes", "10.96.0.0/12"]]
    addresses = (await kubectl("get", "ip")).splitlines()
    assert [line.split() for line in addresses] == [["NAME", "PARENTREF"], ["10.96.0.1", "services/default/kubernetes"]]
    assert "services" in await kubectl("describe", "ipaddress", "10.96.0.1")
    assert "Kubernetes default Service CIDR is ready" in await kubectl("describe", "servicecidr", "kubernetes")
