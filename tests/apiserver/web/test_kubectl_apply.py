"""Server-side apply as kubectl does it: apply, diff, conflicts, shown managers, coming from client-side apply."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.apiserver.harness import KUBECTL, Cluster
from wherry.objects import Object
from wherry.objects.resource import CONFIG_MAPS, DEPLOYMENTS, SERVICES, Resource

pytestmark = pytest.mark.skipif(not KUBECTL["1.37"].exists(), reason="kubectl 1.37 is not installed")


def config_map(**data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data}


def deployment(*images: str, **spec: Any) -> Object:
    containers = [{"name": f"c{n}", "image": image} for n, image in enumerate(images)]
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    spec = {"selector": {"matchLabels": labels}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


class Kubectl:
    """kubectl 1.37 in namespace `demo`; an object is given to its standard input."""

    def __init__(self, cluster: Cluster):
        self._cluster = cluster

    async def __call__(self, *args: str, input: Any = "", code: int = 0) -> str:
        """Return what it says, on stderr when it fails with `code`."""
        text = input if isinstance(input, str) else json.dumps(input)
        ended, out, err = await self._cluster.kubectl("-n", "demo", *args, input=text)
        assert ended == code, out + err
        return err if code and not out else out

    async def apply(self, obj: Object, *args: str, code: int = 0) -> str:
        return await self("apply", "--server-side", "-f", "-", *args, input=obj, code=code)


@pytest.fixture
def kubectl(cluster: Cluster) -> Kubectl:
    return Kubectl(cluster)


async def live(cluster: Cluster, resource: Resource = CONFIG_MAPS, name: str = "a") -> Object:
    return await cluster.client.get(resource, name, "demo")


def owners(obj: Object) -> dict[tuple[str, str, str], Object]:
    entries = obj["metadata"].get("managedFields", ())
    return {(e["manager"], e["operation"], e.get("subresource", "")): e["fieldsV1"] for e in entries}


async def test_apply_creates_changes_and_leaves_alone(kubectl: Kubectl, cluster: Cluster) -> None:
    assert await kubectl.apply(config_map(x="1", y="2")) == "configmap/a serverside-applied\n"
    first = await live(cluster)
    assert owners(first) == {("kubectl", "Apply", ""): {"f:data": {"f:x": {}, "f:y": {}}}}
    await kubectl.apply(config_map(x="1", y="2"))
    assert (await live(cluster))["metadata"] == first["metadata"]  # the version, and the time in managedFields, too
    await kubectl.apply(config_map(x="3"))
    assert (await live(cluster))["data"] == {"x": "3"}


async def test_a_conflict_names_its_managers_and_fields_and_force_ends_it(kubectl: Kubectl, cluster: Cluster) -> None:
    await kubectl.apply(config_map(x="1", y="2"))
    said = await kubectl.apply(config_map(x="5", y="2"), "--field-manager=other", code=1)
    assert 'Apply failed with 1 conflict: conflict with "kubectl": .data.x' in said
    await kubectl("patch", "cm", "a", "--type=merge", "-p", '{"data":{"y":"3","z":"4"}}')
    said = await kubectl.apply(config_map(x="5", y="2"), "--field-manager=other", code=1)
    assert 'conflicts with "kubectl":\n- .data.x\n' in said
    assert 'conflicts with "kubectl-patch" using v1:\n- .data.y\n' in said
    assert (await live(cluster))["data"] == {"x": "1", "y": "3", "z": "4"}
    await kubectl.apply(config_map(x="5", y="2"), "--field-manager=other", "--force-conflicts")
    assert owners(await live(cluster)) == {
        ("kubectl-patch", "Update", ""): {"f:data": {"f:z": {}}},
        ("other", "Apply", ""): {"f:data": {"f:x": {}, "f:y": {}}},
    }


async def test_what_two_apply_alike_is_both_theirs_and_goes_with_the_last(kubectl: Kubectl, cluster: Cluster) -> None:
    for manager in ("one", "two"):
        await kubectl.apply(config_map(x="1"), f"--field-manager={manager}")
    await kubectl.apply(config_map(), "--field-manager=one")
    assert (await live(cluster))["data"] == {"x": "1"}
    assert owners(await live(cluster)) == {("two", "Apply", ""): {"f:data": {"f:x": {}}}, **owned_empty("one")}
    await kubectl.apply(config_map(), "--field-manager=two")
    assert "data" not in await live(cluster)


def owned_empty(manager: str) -> dict[tuple[str, str, str], Object]:
    """Return what `data: {}` owns: the field itself."""
    return {(manager, "Apply", ""): {"f:data": {}}}


async def test_containers_and_ports_merge_by_their_keys(kubectl: Kubectl, cluster: Cluster) -> None:
    await kubectl.apply(deployment("i:1", "j:1"))
    sidecar = deployment()
    sidecar["spec"]["template"]["spec"]["containers"] = [{"name": "c1", "env": [{"name": "A", "value": "1"}]}]
    await kubectl.apply(sidecar, "--field-manager=sidecar")
    await kubectl.apply(deployment("i:2", "j:1", "k:1"))
    containers = (await live(cluster, DEPLOYMENTS, "web"))["spec"]["template"]["spec"]["containers"]
    assert [(c["name"], c["image"]) for c in containers] == [("c0", "i:2"), ("c1", "j:1"), ("c2", "k:1")]
    assert containers[1]["env"] == [{"name": "A", "value": "1"}]
    ports = [{"port": 80}, {"port": 80, "protocol": "UDP", "name": "u"}]
    ports[0]["name"] = "t"
    spec = {"selector": {"app": "web"}, "ports": ports}
    await kubectl.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec})
    service = owners(await live(cluster, SERVICES, "web"))["kubectl", "Apply", ""]
    assert list(service["f:spec"]["f:ports"]) == [
        'k:{"port":80,"protocol":"TCP"}',
        'k:{"port":80,"protocol":"UDP"}',
    ]
    assert service["f:spec"]["f:selector"] == {}  # owned as a whole


async def test_an_unknown_field_and_an_item_given_twice_are_refused(kubectl: Kubectl) -> None:
    obj = deployment("i")
    obj["spec"]["replicaz"] = 1
    said = await kubectl.apply(obj, "--validate=false", code=1)
    assert ".spec.replicaz: field not declared in schema" in said
    obj = deployment("i")
    obj["spec"]["template"]["spec"]["containers"] *= 2
    said = await kubectl.apply(obj, code=1)
    assert '.spec.template.spec.containers: duplicate entries for key [name="c0"]' in said


async def test_a_dry_run_and_a_diff_show_what_would_be_and_change_nothing(kubectl: Kubectl, cluster: Cluster) -> None:
    await kubectl.apply(config_map(x="1", y="2"))
    before = await live(cluster)
    assert "configmap/a serverside-applied (server dry run)" in await kubectl.apply(
        config_map(x="2"), "--dry-run=server"
    )
    shown = await kubectl("diff", "--server-side", "-f", "-", input=config_map(x="2"), code=1)
    assert '-  x: "1"' in shown
    assert '+  x: "2"' in shown
    assert '-  "y": "2"' in shown
    assert await kubectl("diff", "--server-side", "-f", "-", input=config_map(x="1", y="2")) == ""
    assert await live(cluster) == before


async def test_managers_are_shown_to_who_asks(kubectl: Kubectl) -> None:
    await kubectl("create", "configmap", "a", "--from-literal=x=1")
    assert "managedFields" not in await kubectl("get", "cm", "a", "-o", "yaml")
    shown = await kubectl("get", "cm", "a", "-o", "yaml", "--show-managed-fields")
    assert "manager: kubectl-create" in shown
    assert "operation: Update" in shown


async def test_an_object_of_client_side_apply_comes_over_without_conflicts(kubectl: Kubectl, cluster: Cluster) -> None:
    await kubectl("apply", "-f", "-", input=deployment("i:1", replicas=2))
    (before,) = [e for e in owners(await live(cluster, DEPLOYMENTS, "web")) if e[0].startswith("kubectl")]
    assert before == ("kubectl-client-side-apply", "Update", "")
    await kubectl.apply(deployment("i:2"))  # kubectl makes the old entry its new one, and so `replicas` goes
    after = await live(cluster, DEPLOYMENTS, "web")
    annotation = {"f:kubectl.kubernetes.io/last-applied-configuration": {}}
    assert owners(after).pop(("kubectl-last-applied", "Apply", "")) == {"f:metadata": {"f:annotations": annotation}}
    assert {manager for manager, _, _ in owners(after)} == {"kubectl", "kubectl-last-applied"}
    assert after["spec"]["replicas"] == 1  # the default again
    told = json.loads(await kubectl("apply", "view-last-applied", "deployment", "web", "-o", "json"))
    wanted = deployment("i:2")
    wanted["metadata"]["namespace"] = "demo"  # which kubectl sends along
    assert told == wanted  # and client-side apply can still go on from it
    assert "configured" in await kubectl("apply", "-f", "-", input=deployment("i:3"))


async def test_status_and_scale_are_entries_of_their_own(kubectl: Kubectl, cluster: Cluster) -> None:
    await kubectl.apply(deployment("i:1", replicas=1))
    await kubectl("scale", "deployment", "web", "--replicas=3")
    await kubectl(
        "patch", "deployment", "web", "--subresource=status", "--type=merge", "-p", '{"status":{"replicas":3}}'
    )
    found = owners(await live(cluster, DEPLOYMENTS, "web"))
    assert found["kubectl", "Update", "scale"] == {"f:spec": {"f:replicas": {}}}
    assert found["kubectl-patch", "Update", "status"] == {"f:status": {"f:replicas": {}}}
    assert "f:replicas" not in found["kubectl", "Apply", ""]["f:spec"]
    said = await kubectl.apply(deployment("i:1", replicas=1), code=1)
    assert 'conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas' in said
    await kubectl.apply(deployment("i:1"))
    assert (await live(cluster, DEPLOYMENTS, "web"))["spec"]["replicas"] == 3


async def test_apply_through_a_subresource_owns_what_it_may_write(kubectl: Kubectl, cluster: Cluster) -> None:
    await kubectl.apply(deployment("i:1"))
    config = deployment("i:9")
    config["status"] = {"observedGeneration": 1}
    await kubectl.apply(config, "--subresource=status", "--field-manager=controller")
    after = await live(cluster, DEPLOYMENTS, "web")
    assert after["status"]["observedGeneration"] == 1
    assert after["spec"]["template"]["spec"]["containers"][0]["image"] == "i:1"
    assert owners(after)["controller", "Apply", "status"] == {"f:status": {"f:observedGeneration": {}}}
