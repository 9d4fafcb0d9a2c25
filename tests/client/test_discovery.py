"""Discovery documents, new and old, of our own server and of others."""

from pathlib import Path

from tests.apiserver.harness import Cluster
from wherry.client.discovery import Discovery, Tagged, aggregated, stored
from wherry.objects import Object
from wherry.objects.errors import NotFound
from wherry.objects.resource import CONFIG_MAPS, DEPLOYMENTS, INGRESSES, NAMESPACES, Resource

ALL = ["create", "delete", "get", "list", "patch", "update", "watch"]


def entry(name: str, kind: str, namespaced: bool = True, verbs: list[str] = ALL) -> Object:
    return {"name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": verbs}


def listing(version: str, *entries: Object) -> Object:
    return {"kind": "APIResourceList", "groupVersion": version, "resources": list(entries)}


OLD: dict[str, Object] = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {
        "kind": "APIGroupList",
        "groups": [
            {
                "name": "apps",
                "versions": [{"groupVersion": "apps/v1beta1"}, {"groupVersion": "apps/v1"}],
                "preferredVersion": {"groupVersion": "apps/v1"},
            },
            {
                "name": "gone.example.com",
                "versions": [{"groupVersion": "gone.example.com/v1"}],
                "preferredVersion": {"groupVersion": "gone.example.com/v1"},
            },
        ],
    },
    "/api/v1": listing(
        "v1",
        entry("configmaps", "ConfigMap"),
        entry("namespaces", "Namespace", False),
        entry("namespaces/status", "Namespace", False),
        entry("bindings", "Binding", True, ["create"]),
    ),
    "/apis/apps/v1": listing("apps/v1", entry("deployments", "Deployment")),
    "/apis/apps/v1beta1": listing("apps/v1beta1", entry("deployments", "Deployment"), entry("olds", "Old")),
}


async def test_a_server_that_knows_only_the_classic_documents_is_asked_for_each() -> None:
    async def get(path: str, known: Tagged | None) -> Tagged:
        if path not in OLD:
            raise NotFound("gone")
        return Tagged(OLD[path], "")

    old = Resource("apps", "v1beta1", "olds", "Old")
    assert await Discovery(get).resources() == [CONFIG_MAPS, NAMESPACES, DEPLOYMENTS, old]


async def test_what_is_known_is_handed_over_so_that_it_need_not_be_sent_again() -> None:
    empty: Object = {"kind": "APIGroupDiscoveryList", "items": []}
    asked: list[tuple[str, str]] = []

    async def get(path: str, known: Tagged | None) -> Tagged:
        asked.append((path, known.tag if known else ""))
        return known or Tagged(empty, "tag")

    discovery = Discovery(get)
    await discovery.resources()
    await discovery.resources()
    assert asked == [("/api", ""), ("/apis", ""), ("/api", "tag"), ("/apis", "tag")]


async def test_our_server_says_that_its_documents_have_not_changed(tmp_path: Path) -> None:
    async with Cluster(tmp_path) as cluster:
        client = cluster.http()
        first = await client._tagged("/apis", None)
        assert await client._tagged("/apis", first) is first
        assert INGRESSES in stored(aggregated(first.document))
        await client.close()


def test_a_group_that_only_repeats_another_ones_objects_is_left_out() -> None:
    kind = {"group": "extensions", "version": "v1beta1", "kind": "Ingress"}
    resource = {"resource": "ingresses", "responseKind": kind, "scope": "Namespaced", "verbs": ALL}
    group = {"metadata": {"name": "extensions"}, "versions": [{"version": "v1beta1", "resources": [resource]}]}
    assert stored(aggregated({"items": [group]})) == []
