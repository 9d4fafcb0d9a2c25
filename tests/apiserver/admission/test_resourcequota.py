"""Quotas: what they count, whom they refuse and in which words; never exceeded, however many write at once."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from tests.apiserver.harness import Cluster
from wherry.objects import Object
from wherry.objects.errors import Forbidden
from wherry.objects.resource import (
    CONFIG_MAPS,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    PRIORITY_CLASSES,
    RESOURCE_QUOTAS,
    SERVICES,
    Resource,
)


def pod(name: str, requests: Object | None = None, limits: Object | None = None, **spec: Any) -> Object:
    resources = {"requests": requests or {}, "limits": limits or {}}
    return {
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "c", "image": "i", "resources": resources}], **spec},
    }


async def quota(cluster: Cluster, hard: dict[str, str], **spec: Any) -> None:
    await cluster.client.create(RESOURCE_QUOTAS, {"metadata": {"name": "q"}, "spec": {"hard": hard, **spec}}, "demo")


async def refused(cluster: Cluster, resource: Resource, obj: Object) -> str:
    with pytest.raises(Forbidden) as error:
        await cluster.client.create(resource, obj, "demo")
    return str(error.value.message)


async def test_what_goes_beyond_is_refused_with_what_is_asked_used_and_allowed(cluster: Cluster) -> None:
    await quota(cluster, {"pods": "2", "requests.cpu": "1", "limits.memory": "1Gi"})
    await cluster.client.create(PODS, pod("a", {"cpu": "600m"}, {"memory": "512Mi"}), "demo")
    assert await refused(cluster, PODS, pod("b", {"cpu": "500m"}, {"memory": "1Gi"})) == (
        'pods "b" is forbidden: exceeded quota: q, requested: limits.memory=1Gi,requests.cpu=500m, '
        "used: limits.memory=512Mi,requests.cpu=600m, limited: limits.memory=1Gi,requests.cpu=1"
    )
    await cluster.client.create(PODS, pod("b", {"cpu": "400m"}, {"memory": "512Mi"}), "demo")


async def test_a_pod_must_say_what_is_limited(cluster: Cluster) -> None:
    await quota(cluster, {"requests.cpu": "1", "limits.memory": "1Gi"})
    assert await refused(cluster, PODS, pod("a", {"memory": "1Mi"})) == (
        'pods "a" is forbidden: failed quota: q: must specify limits.memory for: c; requests.cpu for: c'
    )


async def test_pods_that_have_ended_count_no_more(cluster: Cluster) -> None:
    await quota(cluster, {"pods": "1"})
    await cluster.client.create(PODS, pod("a"), "demo")
    assert "exceeded quota" in await refused(cluster, PODS, pod("b"))
    await cluster.client.patch(PODS, "a", {"status": {"phase": "Succeeded"}}, "demo", subresource="status")
    await cluster.client.create(PODS, pod("b"), "demo")


async def test_of_many_at_once_as_many_as_fit_are_made(cluster: Cluster) -> None:
    await quota(cluster, {"count/configmaps": "5"})
    made = await asyncio.gather(
        *(cluster.client.create(CONFIG_MAPS, {"metadata": {"name": f"m{n}"}}, "demo") for n in range(20)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, dict) for one in made) == 5
    assert sum(isinstance(one, Forbidden) for one in made) == 15


async def test_services_count_their_node_ports_also_when_they_change(cluster: Cluster) -> None:
    await quota(cluster, {"services.nodeports": "1", "services.loadbalancers": "0"})
    ports = [{"name": "a", "port": 80}, {"name": "b", "port": 81}]
    made = await cluster.client.create(SERVICES, {"metadata": {"name": "s"}, "spec": {"ports": ports}}, "demo")
    with pytest.raises(Forbidden, match=r"requested: services\.nodeports=2, used: services\.nodeports=0"):
        await cluster.client.update(SERVICES, made | {"spec": made["spec"] | {"type": "NodePort"}})
    said = await refused(
        cluster, SERVICES, {"metadata": {"name": "l"}, "spec": {"type": "LoadBalancer", "ports": ports[:1]}}
    )
    assert "requested: services.loadbalancers=1, used: services.loadbalancers=0" in said


async def test_claims_count_their_storage_by_class(cluster: Cluster) -> None:
    await quota(cluster, {"gold.storageclass.storage.k8s.io/requests.storage": "1Gi"})

    def claim(name: str, of: str) -> Object:
        spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": of, "resources": {"requests": {"storage": "2Gi"}}}
        return {"metadata": {"name": name}, "spec": spec}

    await cluster.client.create(PERSISTENT_VOLUME_CLAIMS, claim("other", "silver"), "demo")
    assert "gold.storageclass.storage.k8s.io/requests.storage=2Gi" in await refused(
        cluster, PERSISTENT_VOLUME_CLAIMS, claim("mine", "gold")
    )


@pytest.mark.parametrize(
    ("scopes", "counted", "free"),
    [
        ({"scopes": ["BestEffort"]}, pod("x"), pod("y", {"cpu": "1m"})),
        ({"scopes": ["NotBestEffort"]}, pod("x", {"cpu": "1m"}), pod("y")),
        ({"scopes": ["Terminating"]}, pod("x", activeDeadlineSeconds=9), pod("y")),
        (
            {
                "scopeSelector": {
                    "matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]
                }
            },
            pod("x", priorityClassName="high"),
            pod("y"),
        ),
    ],
    ids=["best effort", "not best effort", "terminating", "priority class"],
)
async def test_scopes_choose_the_pods_a_quota_is_about(
    cluster: Cluster, scopes: Object, counted: Object, free: Object
) -> None:
    await cluster.client.create(PRIORITY_CLASSES, {"metadata": {"name": "high"}, "value": 10})
    await quota(cluster, {"pods": "0"}, **scopes)
    assert "exceeded quota: q" in await refused(cluster, PODS, counted)
    await cluster.client.create(PODS, free, "demo")


async def test_a_dry_run_is_held_to_quotas_and_counts_for_nothing(cluster: Cluster) -> None:
    await quota(cluster, {"count/configmaps": "1"})

    async def tried(name: str) -> int:
        body = msgspec.json.encode({"metadata": {"name": name}})
        status, _, _ = await cluster.request("POST", "/api/v1/namespaces/demo/configmaps?dryRun=All", body)
        return status

    assert [await tried(name) for name in ("a", "b")] == [201, 201]
    await cluster.client.create(CONFIG_MAPS, {"metadata": {"name": "a"}}, "demo")
    assert await tried("b") == 403
