"""Who may write roles and bindings may not give away more than they have."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.apiserver.harness import Cluster
from wherry.client.interface import Client
from wherry.objects import Object
from wherry.objects.errors import Forbidden, NotFound
from wherry.objects.resource import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES

GROUP = "rbac.authorization.k8s.io"


def role(name: str, *rules: Object) -> Object:
    return {"metadata": {"name": name}, "rules": list(rules)}


def rule(resource: str, *verbs: str, group: str = "", names: Sequence[str] = ()) -> Object:
    return {"apiGroups": [group], "resources": [resource], "verbs": list(verbs), "resourceNames": list(names)}


def binding(name: str, role_name: str, user: str, kind: str = "ClusterRole") -> Object:
    return {
        "metadata": {"name": name},
        "roleRef": {"kind": kind, "name": role_name},
        "subjects": [{"kind": "User", "name": user}],
    }


async def given(cluster: Cluster, *rules: Object) -> Client:
    """Return a client of jane, who has the rules in namespace demo."""
    await cluster.client.create(ROLES, role("jane", *rules), "demo")
    await cluster.client.create(ROLE_BINDINGS, binding("jane", "jane", "jane", "Role"), "demo")
    return cluster.server.client("jane", ["dev"])


async def test_a_role_with_more_than_its_writer_has_is_refused_and_told_apart(cluster: Cluster) -> None:
    jane = await given(cluster, rule("roles", "create", "patch", group=GROUP), rule("pods", "get", "list"))
    granted = [rule("pods", "get", "delete"), rule("secrets", "get", "list", names=["a"])]
    with pytest.raises(Forbidden) as refusal:
        await jane.create(ROLES, role("more", *granted), "demo")
    assert refusal.value.message == (
        'roles.rbac.authorization.k8s.io "more" is forbidden: user "jane" (groups=["dev" "system:authenticated"]) is '
        "attempting to grant RBAC permissions not currently held:\n"
        '{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}\n'
        '{APIGroups:[""], Resources:["secrets"], ResourceNames:["a"], Verbs:["get" "list"]}'
    )
    await jane.create(ROLES, role("same", rule("pods", "get")), "demo")
    with pytest.raises(Forbidden):
        await jane.patch(ROLES, "same", {"rules": [rule("*", "*")]}, "demo")
    assert await jane.patch(ROLES, "same", {"metadata": {"labels": {"a": "b"}}}, "demo")


async def test_what_one_has_in_a_namespace_does_not_count_for_the_cluster(cluster: Cluster) -> None:
    jane = await given(cluster, rule("pods", "get"))
    everywhere = role("writer", rule("clusterroles", "create", group=GROUP))
    await cluster.client.create(CLUSTER_ROLES, everywhere)
    await cluster.client.create(CLUSTER_ROLE_BINDINGS, binding("writer", "writer", "jane"))
    with pytest.raises(Forbidden, match="not currently held"):
        await jane.create(CLUSTER_ROLES, role("pods", rule("pods", "get")))
    gathering = {**role("all"), "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}}
    with pytest.raises(Forbidden, match="must have cluster-admin privileges to use the aggregationRule"):
        await jane.create(CLUSTER_ROLES, gathering)


async def test_who_may_bind_in_a_namespace_cannot_become_its_ruler(cluster: Cluster) -> None:
    await cluster.client.create(ROLE_BINDINGS, binding("jane", "admin", "jane"), "demo")
    jane = cluster.server.client("jane", ["dev"])
    with pytest.raises(Forbidden, match=r"(?s)not currently held:.*Resources:\[\"\*\"\]"):
        await jane.create(ROLE_BINDINGS, binding("b", "cluster-admin", "jane"), "demo")
    with pytest.raises(NotFound, match=r'clusterroles.rbac.authorization.k8s.io "nil" not found'):
        await jane.create(ROLE_BINDINGS, binding("b", "nil", "jane"), "demo")
    await jane.create(ROLE_BINDINGS, binding("b", "view", "bob"), "demo")


async def test_the_verbs_escalate_and_bind_lift_the_limit(cluster: Cluster) -> None:
    jane = await given(
        cluster,
        rule("roles", "create", "escalate", group=GROUP),
        rule("rolebindings", "create", group=GROUP),
        rule("clusterroles", "bind", group=GROUP, names=["cluster-admin"]),
    )
    await jane.create(ROLES, role("more", rule("secrets", "get")), "demo")
    await jane.create(ROLE_BINDINGS, binding("admin", "cluster-admin", "bob"), "demo")
    with pytest.raises(Forbidden):
        await jane.create(ROLE_BINDINGS, binding("view", "view", "bob"), "demo")
