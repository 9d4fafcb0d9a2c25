"""What becomes of a new object."""

from __future__ import annotations

import asyncio
import re

import pytest

from tests.apiserver.harness import Cluster
from tests.apiserver.samples import config_map, deployment, pod
from wherry.objects.errors import AlreadyExists, BadRequest, Forbidden, Invalid, NotFound
from wherry.objects.resource import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, PODS, SERVICE_ACCOUNTS


async def test_the_servers_fields_are_the_servers(cluster: Cluster) -> None:
    obj = config_map("a")
    obj["metadata"] |= {
        "uid": "mine",
        "resourceVersion": "7",
        "generation": 9,
        "creationTimestamp": "2001-01-01T00:00:00Z",
    }
    made = (await cluster.client.create(CONFIG_MAPS, obj, "demo"))["metadata"]
    assert made["uid"] != "mine"
    assert made["resourceVersion"] != "7"
    assert not made["creationTimestamp"].startswith("2001")
    assert "generation" not in made


async def test_the_object_that_was_handed_in_is_not_changed(cluster: Cluster) -> None:
    obj = deployment("a")
    before = repr(obj)
    made = await cluster.client.create(DEPLOYMENTS, obj, "demo")
    assert repr(obj) == before
    assert made["spec"]["strategy"]["type"] == "RollingUpdate"
    assert made["metadata"]["generation"] == 1


async def test_generated_names_differ(cluster: Cluster) -> None:
    obj = {"metadata": {"generateName": "a-"}}
    made = [await cluster.client.create(CONFIG_MAPS, obj, "demo") for _ in range(3)]
    names = {m["metadata"]["name"] for m in made}
    assert len(names) == 3
    assert all(re.fullmatch("a-[a-z0-9]{5}", name) for name in names)


async def test_a_generated_name_that_is_taken_is_drawn_again(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["a-x", "a-x", "a-y"])
    monkeypatch.setattr("wherry.apiserver.registry.identity.names.generate", lambda base: next(drawn))
    obj = {"metadata": {"generateName": "a-"}}
    made = [await cluster.client.create(CONFIG_MAPS, obj, "demo") for _ in range(2)]
    assert [m["metadata"]["name"] for m in made] == ["a-x", "a-y"]


async def test_an_object_needs_a_name(cluster: Cluster) -> None:
    with pytest.raises(Invalid, match=r"metadata\.name: Required value: name or generateName is required"):
        await cluster.client.create(CONFIG_MAPS, {"metadata": {}}, "demo")


async def test_of_two_that_race_for_a_name_one_gets_it(cluster: Cluster) -> None:
    results = await asyncio.gather(
        *(cluster.client.create(CONFIG_MAPS, config_map("a", n=str(n)), "demo") for n in range(5)),
        return_exceptions=True,
    )
    assert sum(isinstance(r, dict) for r in results) == 1
    assert sum(isinstance(r, AlreadyExists) for r in results) == 4


async def test_a_namespace_must_exist(cluster: Cluster) -> None:
    with pytest.raises(NotFound, match=r'^namespaces "nowhere" not found$'):
        await cluster.client.create(CONFIG_MAPS, config_map("a"), "nowhere")


async def test_nothing_new_enters_a_namespace_that_goes_away(cluster: Cluster) -> None:
    await cluster.client.delete(NAMESPACES, "demo")
    text = 'configmaps "a" is forbidden: unable to create new content in namespace demo because it is being terminated'
    with pytest.raises(Forbidden, match=f"^{text}$") as caught:
        await cluster.client.create(CONFIG_MAPS, config_map("a"), "demo")
    assert caught.value.details is not None
    assert caught.value.details["causes"][0]["reason"] == "NamespaceTerminating"


async def test_an_object_of_another_kind_is_refused(cluster: Cluster) -> None:
    with pytest.raises(
        BadRequest, match=r"API version in the data \(v2\) does not match the expected API version \(v1\)"
    ):
        await cluster.client.create(CONFIG_MAPS, config_map("a") | {"apiVersion": "v2"}, "demo")
    with pytest.raises(BadRequest, match="cannot be handled as a ConfigMap"):
        await cluster.client.create(CONFIG_MAPS, config_map("a") | {"kind": "Secret"}, "demo")


async def test_a_pod_runs_as_the_default_account_with_its_token_mounted(cluster: Cluster) -> None:
    made = await cluster.client.create(PODS, pod("a"), "demo")
    spec = made["spec"]
    assert spec["serviceAccountName"] == spec["serviceAccount"] == "default"
    (volume,) = spec["volumes"]
    (mount,) = spec["containers"][0]["volumeMounts"]
    assert re.fullmatch("kube-api-access-[a-z0-9]{5}", volume["name"])
    assert mount == {
        "name": volume["name"],
        "readOnly": True,
        "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
    }
    assert [next(iter(source)) for source in volume["projected"]["sources"]] == [
        "serviceAccountToken",
        "configMap",
        "downwardAPI",
    ]


async def test_the_token_can_be_declined_by_the_pod_and_by_its_account(cluster: Cluster) -> None:
    account = {"metadata": {"name": "quiet"}, "automountServiceAccountToken": False}
    await cluster.client.create(SERVICE_ACCOUNTS, account, "demo")
    declined = await cluster.client.create(PODS, pod("a", automountServiceAccountToken=False), "demo")
    quiet = await cluster.client.create(PODS, pod("b", serviceAccountName="quiet"), "demo")
    loud = await cluster.client.create(
        PODS, pod("c", serviceAccountName="quiet", automountServiceAccountToken=True), "demo"
    )
    assert "volumes" not in declined["spec"]
    assert "volumes" not in quiet["spec"]
    assert "volumes" in loud["spec"]


async def test_a_pod_waits_a_moment_for_its_account(cluster: Cluster) -> None:
    making = asyncio.create_task(cluster.client.create(PODS, pod("a", serviceAccountName="late"), "demo"))
    await cluster.watched(SERVICE_ACCOUNTS)
    await cluster.client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "late"}}, "demo")
    assert (await making)["spec"]["serviceAccountName"] == "late"


async def test_a_pod_whose_account_never_comes_is_forbidden(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wherry.apiserver.admission.chain.PATIENCE_SECONDS", 0.01)
    text = 'pods "a" is forbidden: error looking up service account demo/x: serviceaccount "x" not found'
    with pytest.raises(Forbidden, match=f"^{text}$"):
        await cluster.client.create(PODS, pod("a", serviceAccountName="x"), "demo")
