"""Requests that puzzled: what a real API server takes, ours takes."""

from __future__ import annotations

import pytest

from tests.apiserver.harness import Cluster
from wherry.objects.errors import BadRequest
from wherry.objects.resource import CLUSTER_ROLE_BINDINGS, CONFIG_MAPS

BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "a", "namespace": "kube-system"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
    "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": "default"}],
}


async def test_a_cluster_scoped_object_that_names_a_namespace_is_taken_without_it(cluster: Cluster) -> None:
    made = await cluster.client.create(CLUSTER_ROLE_BINDINGS, BINDING)
    assert "namespace" not in made["metadata"]
    assert (await cluster.client.get(CLUSTER_ROLE_BINDINGS, "a"))["metadata"]["uid"] == made["metadata"]["uid"]


async def test_so_is_an_update_and_a_patch_of_one(cluster: Cluster) -> None:
    await cluster.client.create(CLUSTER_ROLE_BINDINGS, BINDING)
    updated = await cluster.client.update(CLUSTER_ROLE_BINDINGS, BINDING | {"subjects": []})
    assert "namespace" not in updated["metadata"]
    patched = await cluster.client.patch(
        CLUSTER_ROLE_BINDINGS, "a", {"metadata": {"namespace": "x", "labels": {"b": "c"}}}
    )
    assert patched["metadata"]["labels"] == {"b": "c"}
    assert "namespace" not in patched["metadata"]


async def test_another_namespace_than_the_urls_is_still_refused(cluster: Cluster) -> None:
    with pytest.raises(BadRequest, match="does not match the namespace sent on the request"):
        await cluster.client.create(CONFIG_MAPS, {"metadata": {"name": "a", "namespace": "b"}}, "demo")
