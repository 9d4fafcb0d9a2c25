"""Who may do what, asked over HTTPS with real credentials."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.harness import Cluster
from tests.apiserver.samples import config_map
from wherry.objects import Object
from wherry.objects.errors import Forbidden
from wherry.objects.resource import (
    CLUSTER_ROLE_BINDINGS,
    CONFIG_MAPS,
    NODES,
    ROLE_BINDINGS,
    ROLES,
    SERVICE_ACCOUNTS,
)

RBAC = "rbac.authorization.k8s.io"
PATH = "/api/v1/namespaces/demo/configmaps"


def bound(name: str, role: str, *subjects: Object, kind: str = "ClusterRole") -> Object:
    return {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": role},
        "subjects": [{"apiGroup": RBAC, **subject} for subject in subjects],
    }


def reader(*names: str) -> Object:
    rule: Object = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]}
    return {"metadata": {"name": "reader"}, "rules": [rule | ({"resourceNames": list(names)} if names else {})]}


async def test_a_certificate_is_a_user_with_its_organization_as_group(cluster: Cluster) -> None:
    cluster.issue("jane", "jane", "developers")
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    _, _, body = await cluster.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review, user="jane")
    assert body["status"]["userInfo"] == {"username": "jane", "groups": ["developers", "system:authenticated"]}


async def test_a_stranger_is_told_what_is_missing(cluster: Cluster) -> None:
    cluster.issue("jane", "jane")

    async def refusal(method: str, path: str, body: Any = None, user: str = "jane") -> str:
        status, _, answer = await cluster.request(method, path, body, user=user)
        assert (status, answer["reason"]) == (403, "Forbidden")
        return str(answer["message"])

    assert await refusal("GET", PATH) == (
        'configmaps is forbidden: User "jane" cannot list resource "configmaps" in API group "" in the namespace "demo"'
    )
    assert await refusal("GET", f"{PATH}/a") == (
        'configmaps "a" is forbidden: User "jane" cannot get resource "configmaps" in API group "" '
        'in the namespace "demo"'
    )
    assert await refusal("GET", "/api/v1/nodes?watch=1") == (
        'nodes is forbidden: User "jane" cannot watch resource "nodes" in API group "" at the cluster scope'
    )
    assert await refusal("PUT", "/apis/apps/v1/namespaces/demo/deployments/a/status", {}) == (
        'deployments.apps "a" is forbidden: User "jane" cannot update resource "deployments/status" '
        'in API group "apps" in the namespace "demo"'
    )
    assert await refusal("DELETE", PATH) == (
        'configmaps is forbidden: User "jane" cannot deletecollection resource "configmaps" in API group "" '
        'in the namespace "demo"'
    )
    assert await refusal("GET", "/metrics") == 'forbidden: User "jane" cannot get path "/metrics"'
    assert await refusal("GET", "/", user="") == 'forbidden: User "system:anonymous" cannot get path "/"'


async def test_the_anonymous_see_health_and_version_and_nothing_else(cluster: Cluster) -> None:
    for path, status in (("/healthz", 200), ("/readyz", 200), ("/livez", 200), ("/version", 200), ("/api", 403)):
        assert (await cluster.request("GET", path, user=""))[0] == status


async def test_a_role_counts_in_its_namespace_from_the_moment_it_is_bound(cluster: Cluster) -> None:
    cluster.issue("jane", "jane", "developers")
    await cluster.client.create(ROLES, reader(), "demo")
    assert (await cluster.request("GET", PATH, user="jane"))[0] == 403
    binding = bound("readers", "reader", {"kind": "Group", "name": "developers"}, kind="Role")
    await cluster.client.create(ROLE_BINDINGS, binding, "demo")
    assert (await cluster.request("GET", PATH, user="jane"))[0] == 200
    assert (await cluster.request("GET", "/api/v1/namespaces/default/configmaps", user="jane"))[0] == 403
    assert (await cluster.request("GET", "/api/v1/configmaps", user="jane"))[0] == 403
    assert (await cluster.request("POST", PATH, config_map("a"), user="jane"))[0] == 403
    await cluster.client.delete(ROLE_BINDINGS, "readers", "demo")
    assert (await cluster.request("GET", PATH, user="jane"))[0] == 403


async def test_a_cluster_role_counts_where_it_is_bound(cluster: Cluster) -> None:
    cluster.issue("jane", "jane")
    await cluster.client.create(ROLE_BINDINGS, bound("v", "view", {"kind": "User", "name": "jane"}), "demo")
    assert (await cluster.request("GET", PATH, user="jane"))[0] == 200
    assert (await cluster.request("GET", "/api/v1/pods", user="jane"))[0] == 403
    await cluster.client.create(CLUSTER_ROLE_BINDINGS, bound("v", "view", {"kind": "User", "name": "jane"}))
    assert (await cluster.request("GET", "/api/v1/pods", user="jane"))[0] == 200
    assert (await cluster.request("GET", "/api/v1/secrets", user="jane"))[0] == 403


async def test_a_rule_with_names_allows_a_list_of_that_one_object(cluster: Cluster) -> None:
    cluster.issue("jane", "jane")
    await cluster.client.create(ROLES, reader("mine"), "demo")
    await cluster.client.create(
        ROLE_BINDINGS, bound("r", "reader", {"kind": "User", "name": "jane"}, kind="Role"), "demo"
    )
    assert (await cluster.request("GET", f"{PATH}?fieldSelector=metadata.name=mine", user="jane"))[0] == 200
    assert (await cluster.request("GET", f"{PATH}?fieldSelector=metadata.name=other", user="jane"))[0] == 403
    assert (await cluster.request("GET", PATH, user="jane"))[0] == 403


async def test_a_service_accounts_token_is_its_user(cluster: Cluster) -> None:
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    answer = await cluster.client.create(SERVICE_ACCOUNTS, request, "demo", name="default", subresource="token")
    bearer = f"Bearer {answer['status']['token']}"
    status, _, body = await cluster.request("GET", PATH, user="", Authorization=bearer)
    assert status == 403
    assert 'User "system:serviceaccount:demo:default" cannot list' in body["message"]
    subject = {"kind": "ServiceAccount", "name": "default", "namespace": "demo", "apiGroup": ""}
    await cluster.client.create(ROLE_BINDINGS, bound("v", "view", subject), "demo")
    assert (await cluster.request("GET", PATH, user="", Authorization=bearer))[0] == 200
    assert (await cluster.request("GET", PATH, user="admin", Authorization="Bearer nonsense"))[0] == 401
    await cluster.client.delete(SERVICE_ACCOUNTS, "default", "demo")
    status, _, body = await cluster.request("GET", PATH, user="", Authorization=bearer)
    assert (status, body["message"], body["reason"]) == (401, "Unauthorized", "Unauthorized")


async def test_a_node_may_write_its_status_and_not_a_deployment(cluster: Cluster) -> None:
    client = cluster.http("system:node:n1", "system:nodes")
    await client.create(NODES, {"metadata": {"name": "n1"}})
    await client.patch(NODES, "n1", {"status": {"phase": "Running"}}, subresource="status")
    await client.close()
    cluster.issue("n1", "system:node:n1", "system:nodes")
    status, _, _ = await cluster.request("DELETE", "/apis/apps/v1/namespaces/demo/deployments/x", user="n1")
    assert status == 403


async def test_those_who_may_can_act_as_somebody_else(cluster: Cluster) -> None:
    cluster.issue("jane", "jane")

    async def whoami(user: str, **headers: str) -> tuple[int, Any]:
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        status, _, body = await cluster.request("POST", path, {}, user=user, **headers)
        return status, body.get("status", {}).get("userInfo") if status == 201 else body["message"]

    status, info = await whoami("admin", Impersonate_User="jim", Impersonate_Group="developers")
    assert (status, info) == (201, {"username": "jim", "groups": ["developers", "system:authenticated"]})
    status, info = await whoami("admin", Impersonate_User="system:serviceaccount:demo:default")
    assert info["groups"] == ["system:serviceaccounts", "system:serviceaccounts:demo", "system:authenticated"]
    status, message = await whoami("jane", Impersonate_User="admin")
    assert status == 403
    assert 'User "jane" cannot impersonate resource "users" in API group "" at the cluster scope' in message
    status, message = await whoami("admin", Impersonate_Group="developers")
    assert (status, message.partition(" for ")[0]) == (400, "requested groups, uid or extra")
    path = "/api/v1/namespaces/demo/configmaps"
    assert (await cluster.request("GET", path, Impersonate_User="jane"))[0] == 403


async def test_in_process_clients_are_authorised_as_their_user(cluster: Cluster) -> None:
    jane = cluster.server.client("jane", groups=())
    for call in (
        jane.list(CONFIG_MAPS, "demo"),
        jane.create(CONFIG_MAPS, config_map("a"), "demo"),
        jane.patch(CONFIG_MAPS, "a", {}, "demo"),
        jane.delete(CONFIG_MAPS, "a", "demo"),
    ):
        with pytest.raises(Forbidden, match='User "jane" cannot'):
            await call
