"""Namespaces: what each has, and how one goes."""

from __future__ import annotations

from tests.controllers.builders import NOW, everything, names, namespace, pod, running, until
from tests.fake.client import FakeClient
from wherry.controllers.namespace import NamespaceController, terminating_status
from wherry.controllers.rootca import RootCAController
from wherry.controllers.serviceaccount import ServiceAccountController
from wherry.objects.resource import CONFIG_MAPS, NAMESPACES, PODS, SECRETS, SERVICE_ACCOUNTS


def config_map(name: str, **meta: object) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "demo"} | meta}


async def test_every_namespace_gets_an_account_and_the_cluster_ca_again_and_again() -> None:
    client = FakeClient(namespace("demo"), namespace("other"))
    async with running(client, (ServiceAccountController, RootCAController), ca_pem="PEM"):
        await until(lambda: len(everything(client, SERVICE_ACCOUNTS)) == len(everything(client, CONFIG_MAPS)) == 2)
        client.remove(SERVICE_ACCOUNTS, "default", "demo")
        await client.patch(CONFIG_MAPS, "kube-root-ca.crt", {"data": {"ca.crt": "forged"}}, "demo")
        await until(lambda: client.peek(SERVICE_ACCOUNTS, "default", "demo"))

        def ca() -> str:
            found = client.peek(CONFIG_MAPS, "kube-root-ca.crt", "demo")
            return str(found and found["data"]["ca.crt"])

        await until(lambda: ca() == "PEM")


async def test_a_deleted_namespace_is_emptied_pods_first_and_then_gone() -> None:
    client = FakeClient(namespace("demo"), namespace("other"), pod("web"), config_map("settings"))
    client.put({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "kept", "namespace": "other"}})
    async with running(client, (NamespaceController,)):
        await client.delete(NAMESPACES, "demo")

        def leaving() -> bool:
            found = client.peek(PODS, "web", "demo")
            return bool(found and found["metadata"].get("deletionTimestamp"))

        await until(leaving)
        await until(lambda: len((client.peek(NAMESPACES, "demo") or {})["status"].get("conditions", ())) == 2)
        assert names(client, CONFIG_MAPS) == {"settings"}  # waits for the pod's graceful end
        client.remove(PODS, "web", "demo")
        await until(lambda: client.peek(NAMESPACES, "demo") is None)
    assert everything(client, CONFIG_MAPS) == []
    assert names(client, SECRETS) == {"kept"}


async def test_a_namespace_waits_for_finalizers_and_tells_which() -> None:
    client = FakeClient(namespace("demo"), config_map("held", finalizers=["example.com/hold"]))
    async with running(client, (NamespaceController,)):
        await client.delete(NAMESPACES, "demo")

        def told() -> dict[str, str]:
            found = client.peek(NAMESPACES, "demo") or {}
            return {c["type"]: c["message"] for c in found["status"].get("conditions", ())}

        await until(told)
        assert told() == {
            "NamespaceContentRemaining": "Some resources are remaining: configmaps has 1 resource instances",
            "NamespaceFinalizersRemaining": (
                "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances"
            ),
        }
        await client.patch(CONFIG_MAPS, "held", {"metadata": {"finalizers": None}}, "demo")
        await until(lambda: client.peek(NAMESPACES, "demo") is None)


def test_an_unchanged_rest_leaves_the_status_unchanged() -> None:
    left = {PODS: [pod("web")]}
    once = terminating_status(namespace("demo"), left, NOW)
    assert terminating_status({"status": once}, left, NOW + 60) == once
