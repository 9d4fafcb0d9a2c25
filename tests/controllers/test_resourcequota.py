"""A quota's status follows what there is."""

from __future__ import annotations

from typing import Any

from tests.controllers.builders import running, until
from tests.fake.client import FakeClient
from wherry.controllers.resourcequota import Ledger, ResourceQuotaController
from wherry.objects import Object
from wherry.objects.resource import CONFIG_MAPS, PODS, RESOURCE_QUOTAS


def quota(**hard: str) -> Object:
    hard = {name.replace("__", "/").replace("_", "."): value for name, value in hard.items()}
    metadata = {"name": "q", "namespace": "default", "uid": "q"}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": hard}}


def pod(name: str, cpu: str) -> Object:
    container = {"name": "c", "resources": {"requests": {"cpu": cpu}}}
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}


def test_a_ledger_changes_by_what_an_object_changes() -> None:
    ledger = Ledger(quota(pods="2", requests_cpu="1", requests_memory="1Gi"))
    ledger.put(PODS, ("default", "a"), pod("a", "250m"))
    ledger.put(PODS, ("default", "b"), pod("b", "1"))
    assert ledger.status["used"] == {"pods": "2", "requests.cpu": "1250m", "requests.memory": "0"}
    ledger.put(PODS, ("default", "b"), pod("b", "1") | {"status": {"phase": "Failed"}})
    ledger.put(PODS, ("default", "a"), pod("a", "300m"))
    assert ledger.status["used"] == {"pods": "1", "requests.cpu": "300m", "requests.memory": "0"}
    ledger.put(PODS, ("default", "a"), None)
    assert ledger.status["used"]["requests.cpu"] == "0"


async def test_the_status_follows_objects_and_limits() -> None:
    client = FakeClient(quota(count__configmaps="3"))

    def status() -> Any:
        return (client.peek(RESOURCE_QUOTAS, "q", "default") or {}).get("status")

    async with running(client, [ResourceQuotaController]):
        await until(lambda: status() == {"hard": {"count/configmaps": "3"}, "used": {"count/configmaps": "0"}})
        for name in ("a", "b"):
            await client.create(CONFIG_MAPS, {"metadata": {"name": name}}, "default")
        await until(lambda: status()["used"] == {"count/configmaps": "2"})
        await client.delete(CONFIG_MAPS, "a", "default")
        await until(lambda: status()["used"] == {"count/configmaps": "1"})
        changed = quota(count__configmaps="3", pods="9")
        await client.patch(RESOURCE_QUOTAS, "q", {"spec": changed["spec"]}, "default")
        await until(lambda: status()["used"] == {"count/configmaps": "1", "pods": "0"})
