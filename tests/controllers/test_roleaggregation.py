"""ClusterRoles gather the rules of others."""

from __future__ import annotations

from typing import Any

from tests.controllers.builders import running, until
from tests.fake.client import FakeClient
from wherry.controllers.roleaggregation import RoleAggregationController, aggregated
from wherry.objects import Object
from wherry.objects.resource import CLUSTER_ROLES

A, B = ({"apiGroups": [""], "resources": [name], "verbs": ["get"]} for name in ("a", "b"))


def role(name: str, *rules: Object, labels: dict[str, str] | None = None, **gathers: str) -> Object:
    made: dict[str, Any] = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name, "labels": labels or {}},
        "rules": list(rules),
    }
    if gathers:
        made["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {k: v}} for k, v in gathers.items()]}
    return made


def test_the_rules_of_selected_roles_come_once_in_the_order_of_their_names() -> None:
    view = role("view", labels={"to": "view"}, to="view", also="view")
    others = [
        role("z", B, labels={"to": "view"}),
        role("b", A, B, labels={"also": "view"}),
        role("a", A, labels={"to": "edit"}),
    ]
    assert aggregated(view, [view, *others]) == [B, A]
    assert aggregated(view, [view]) == []


async def test_a_role_that_comes_changes_or_goes_is_followed_through_others() -> None:
    view = role("view", labels={"to": "edit"}, to="view")
    client = FakeClient(view, role("edit", to="edit"))

    def rules(name: str) -> Any:
        return (client.peek(CLUSTER_ROLES, name) or {}).get("rules")

    async with running(client, [RoleAggregationController]):
        await client.create(CLUSTER_ROLES, role("mine", A, labels={"to": "view"}))
        await until(lambda: rules("view") == [A] and rules("edit") == [A])
        mine = client.peek(CLUSTER_ROLES, "mine") or {}
        await client.update(CLUSTER_ROLES, mine | {"rules": [B]})
        await until(lambda: rules("edit") == [B])
        await client.delete(CLUSTER_ROLES, "mine")
        await until(lambda: rules("view") == [] and rules("edit") == [])
