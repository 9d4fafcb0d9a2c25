"""A kind is added to a running server and removed from it: whatever is made of the set of kinds follows."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.apiserver.harness import KUBECTL, Cluster, until
from tests.apiserver.widgets import WIDGETS, kind, widget
from wherry.apiserver.catalog import AlreadyServed, Catalog
from wherry.apiserver.kinds import KINDS
from wherry.apiserver.kinds.core.services.service import SERVICE
from wherry.apiserver.kinds.networking.ipaddress import IP_ADDRESS
from wherry.apiserver.storage.interface import StorageError
from wherry.client import http
from wherry.client.interface import Client
from wherry.controllers import manager
from wherry.controllers.config import ControllersConfig
from wherry.controllers.garbagecollector.controller import GarbageCollector
from wherry.controllers.namespace import NamespaceController
from wherry.objects import Object
from wherry.objects.errors import Invalid, NotFound
from wherry.objects.resource import CONFIG_MAPS, IP_ADDRESSES, NAMESPACES, PODS, ROLE_BINDINGS, ROLES, SERVICES

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


async def get(cluster: Cluster, path: str, **headers: str) -> tuple[int, dict[str, str], Any]:
    return await cluster.request("GET", path, **headers)


async def test_discovery_names_an_added_kind_and_forgets_a_removed_one(cluster: Cluster) -> None:
    async def shown() -> tuple[bool, bool, int]:
        _, _, groups = await get(cluster, "/apis")
        _, _, aggregated = await get(cluster, "/apis", Accept=AGGREGATED)
        classic = any(g["name"] == "example.com" for g in groups["groups"])
        new = any(g["metadata"]["name"] == "example.com" for g in aggregated["items"])
        return classic, new, (await get(cluster, "/apis/example.com/v1"))[0]

    widgets = kind()
    _, before, _ = await get(cluster, "/apis", Accept=AGGREGATED)
    assert await shown() == (False, False, 404)
    await cluster.server.catalog.add(widgets)
    assert await shown() == (True, True, 200)
    _, _, listed = await get(cluster, "/apis/example.com/v1")
    assert [(r["name"], r["kind"]) for r in listed["resources"]] == [
        ("widgets", "Widget"),
        ("widgets/status", "Widget"),
    ]
    assert listed["resources"][0]["shortNames"] == ["wd"]
    status, after, _ = await get(cluster, "/apis", Accept=AGGREGATED, If_None_Match=before["etag"])
    assert status == 200, "the document has changed, and so must its tag"
    assert after["etag"] != before["etag"]
    await cluster.server.catalog.remove(widgets)
    assert await shown() == (False, False, 404)
    assert (await get(cluster, "/apis", Accept=AGGREGATED, If_None_Match=before["etag"]))[0] == 304


async def test_openapi_describes_it_and_only_documents_that_change_get_another_hash(cluster: Cluster) -> None:
    async def index() -> dict[str, str]:
        _, _, document = await get(cluster, "/openapi/v3")
        return {path: entry["serverRelativeURL"] for path, entry in document["paths"].items()}

    async def in_v2() -> bool:
        _, _, document = await get(cluster, "/openapi/v2")
        return "com.example.v1.Widget" in document["definitions"]

    before = await index()
    assert not await in_v2()
    widgets = kind()
    await cluster.server.catalog.add(widgets)
    after = await index()
    assert {path: url for path, url in after.items() if path != "apis/example.com/v1"} == before
    url = after["apis/example.com/v1"]
    _, headers, document = await get(cluster, url)
    assert "immutable" in headers["cache-control"]
    assert "com.example.v1.WidgetSpec" in document["components"]["schemas"]
    assert "/apis/example.com/v1/namespaces/{namespace}/widgets/{name}/status" in document["paths"]
    assert await in_v2()
    status, headers, _ = await get(cluster, "/openapi/v3/apis/example.com/v1?hash=OLD")
    assert (status, headers["location"]) == (301, url), "an old address must not be kept for the new document"
    await cluster.server.catalog.remove(widgets)
    assert (await index(), (await get(cluster, url))[0], await in_v2()) == (before, 404, False)


async def test_its_objects_have_the_rules_of_every_kind(cluster: Cluster) -> None:
    await cluster.server.catalog.add(kind())
    client = cluster.client
    made = await client.create(WIDGETS, widget("a", 1), "demo")
    assert made["metadata"]["generation"] == 1
    with pytest.raises(Invalid, match=r"spec\.size: Invalid value: -1: is negative"):
        await client.patch(WIDGETS, "a", {"spec": {"size": -1}}, "demo")
    for part in ("left", "right"):
        change = {"spec": {"parts": [{"name": part}]}}
        changed = await client.patch(WIDGETS, "a", change, "demo", type="strategic")
    assert sorted(p["name"] for p in changed["spec"]["parts"]) == ["left", "right"]
    assert changed["metadata"]["generation"] == 3
    unknown = {**widget("b"), "colour": "red"}
    path = "/apis/example.com/v1/namespaces/demo/widgets?fieldValidation=Strict"
    status, _, answer = await cluster.request("POST", path, unknown)
    assert (status, 'unknown field "colour"' in answer["message"]) == (400, True)


async def test_a_watch_of_it_ends_when_it_is_removed_and_its_metrics_go(cluster: Cluster) -> None:
    widgets = kind()
    await cluster.server.catalog.add(widgets)
    client = cluster.http()
    await client.create(WIDGETS, widget("a"), "demo")
    seen: list[str] = []

    async def watch() -> None:
        async for event in client.watch(WIDGETS, "demo"):
            seen.append(event.type)

    watching = asyncio.create_task(watch())
    await until(lambda: asyncio.sleep(0, seen))
    assert 'apiserver_storage_objects{resource="widgets.example.com"} 1.0' in (await get(cluster, "/metrics"))[2]
    await cluster.server.catalog.remove(widgets)
    async with asyncio.timeout(5):
        await watching
    assert seen == ["ADDED"], "nobody may be told that objects are gone which only are out of sight"
    assert 'apiserver_storage_objects{resource="widgets.example.com"}' not in (await get(cluster, "/metrics"))[2]
    with pytest.raises(NotFound):
        await client.get(WIDGETS, "a", "demo")
    await client.close()


async def test_roles_name_it_as_any_other_kind(cluster: Cluster) -> None:
    await cluster.server.catalog.add(kind())
    cluster.issue("jane", "jane")
    path = "/apis/example.com/v1/namespaces/demo/widgets"
    assert (await cluster.request("GET", path, user="jane"))[0] == 403
    rule = {"apiGroups": ["example.com"], "resources": ["widgets"], "verbs": ["list"]}
    await cluster.client.create(ROLES, {"metadata": {"name": "r"}, "rules": [rule]}, "demo")
    subject = {"apiGroup": ROLES.group, "kind": "User", "name": "jane"}
    role = {"apiGroup": ROLES.group, "kind": "Role", "name": "r"}
    binding = {"metadata": {"name": "r"}, "subjects": [subject], "roleRef": role}
    await cluster.client.create(ROLE_BINDINGS, binding, "demo")
    assert (await cluster.request("GET", path, user="jane"))[0] == 200
    assert (await cluster.request("DELETE", path, user="jane"))[0] == 403


async def test_stored_objects_are_there_again_after_a_restart_as_soon_as_the_kind_is(tmp_path: Path) -> None:
    for first in (True, False):
        async with Cluster(tmp_path, storage=tmp_path / "state.db") as cluster:
            if first:
                await cluster.client.create(NAMESPACES, {"metadata": {"name": "demo"}})
            await cluster.server.catalog.add(kind())
            if first:
                uid = (await cluster.client.create(WIDGETS, widget("a"), "demo"))["metadata"]["uid"]
            else:
                assert (await cluster.client.get(WIDGETS, "a", "demo"))["metadata"]["uid"] == uid


async def test_what_is_written_while_a_kind_comes_and_goes_is_never_lost(cluster: Cluster) -> None:
    """Writers go on through it; what they were told is stored is there in the end, and nothing else."""
    stored: dict[str, int] = {}
    catalog, client = cluster.server.catalog, cluster.client
    over = False

    async def write(name: str) -> None:
        size = 0
        while not over:
            size += 1
            with contextlib.suppress(NotFound):
                if name in stored:
                    await client.patch(WIDGETS, name, {"spec": {"size": size}}, "demo")
                else:
                    await client.create(WIDGETS, widget(name, size), "demo")
                stored[name] = size
            await asyncio.sleep(0)

    writers = [asyncio.create_task(write(f"w{i}")) for i in range(5)]
    for _ in range(20):
        widgets = kind()
        await catalog.add(widgets)
        await asyncio.sleep(0.01)
        await catalog.remove(widgets)
    over = True
    async with asyncio.timeout(5):
        await asyncio.gather(*writers)
    await catalog.add(kind())
    found = {o["metadata"]["name"]: o["spec"]["size"] for o in (await client.list(WIDGETS, "demo")).items}
    assert found == stored
    assert len(stored) == 5


async def test_a_kind_whose_objects_cannot_be_read_is_not_served(cluster: Cluster, monkeypatch: Any) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise StorageError("no")

    with monkeypatch.context() as patch:
        patch.setattr(cluster.server._storage, "range", broken)
        with pytest.raises(StorageError):
            await cluster.server.catalog.add(kind())
    assert (await get(cluster, "/apis/example.com/v1"))[0] == 404
    await cluster.server.catalog.add(kind())
    assert (await get(cluster, "/apis/example.com/v1"))[0] == 200


async def test_what_a_kind_claims_comes_and_goes_with_it_and_stays_for_others(cluster: Cluster) -> None:
    catalog, client = cluster.server.catalog, cluster.client

    def service(name: str, **spec: Any) -> Object:
        return {"metadata": {"name": name}, "spec": {"type": "NodePort", "ports": [{"port": 80, **spec}]}}

    made = await client.create(SERVICES, service("a", nodePort=30000), "demo")
    taken = made["spec"]["clusterIP"]
    await catalog.remove(SERVICE)
    assert await client.get(IP_ADDRESSES, taken), "addresses are served by themselves too"
    await catalog.add(SERVICE)
    with pytest.raises(Invalid, match="provided port is already allocated"):
        await client.create(SERVICES, service("b", nodePort=30000), "demo")
    await catalog.remove(IP_ADDRESS)
    other = await client.create(SERVICES, service("c"), "demo")
    assert other["spec"]["clusterIP"] != taken
    await catalog.add(IP_ADDRESS)
    assert {o["metadata"]["name"] for o in (await client.list(IP_ADDRESSES)).items} >= {
        taken,
        other["spec"]["clusterIP"],
    }


async def test_names_that_are_taken_are_refused_and_change_nothing() -> None:
    catalog = Catalog(KINDS)
    generation = catalog.generation
    for resource in (PODS, CONFIG_MAPS):
        with pytest.raises(AlreadyServed, match="is served already"):
            await catalog.add(kind(resource=resource, types={}))
    assert (catalog.generation, len(catalog.kinds)) == (generation, len(KINDS))


@pytest.fixture(params=["in-process", "https"])
async def controlled(
    request: pytest.FixtureRequest, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Cluster]:
    """A server with the controllers that look after every kind alike, beside it or reaching it over HTTP."""
    monkeypatch.setattr(http, "DISCOVERY_SECONDS", 0.1)
    client: Client = cluster.server.client() if request.param == "in-process" else cluster.http()
    controllers = (GarbageCollector, NamespaceController)
    task = asyncio.create_task(manager.make(client, ControllersConfig("PEM"), controllers=controllers).run())
    yield cluster
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await client.close()


def owner(obj: Object) -> Object:
    meta = obj["metadata"]
    return {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "name": meta["name"], "uid": meta["uid"]}


async def is_gone(cluster: Cluster, resource: Any, name: str, namespace: str | None = "demo") -> bool:
    with contextlib.suppress(NotFound):
        await cluster.client.get(resource, name, namespace)
        return False
    return True


async def test_its_objects_are_collected_with_their_owner_and_others_with_them(controlled: Cluster) -> None:
    client = controlled.client
    await controlled.server.catalog.add(kind())
    parent = await client.create(CONFIG_MAPS, {"metadata": {"name": "parent"}}, "demo")
    made = await client.create(WIDGETS, widget("a", ownerReferences=[owner(parent)]), "demo")
    await client.create(CONFIG_MAPS, {"metadata": {"name": "child", "ownerReferences": [owner(made)]}}, "demo")
    await client.delete(CONFIG_MAPS, "parent", "demo", propagation_policy="Background")
    await until(lambda: is_gone(controlled, WIDGETS, "a"))
    await until(lambda: is_gone(controlled, CONFIG_MAPS, "child"))


async def test_dependents_of_a_removed_kind_are_kept_until_it_is_known_again_that_their_owner_is_gone(
    controlled: Cluster,
) -> None:
    client, widgets = controlled.client, kind()
    await controlled.server.catalog.add(widgets)
    kept = await client.create(WIDGETS, widget("kept"), "demo")
    await controlled.server.catalog.remove(widgets)
    await client.create(CONFIG_MAPS, {"metadata": {"name": "child", "ownerReferences": [owner(kept)]}}, "demo")
    never = owner(kept) | {"name": "never", "uid": "never"}
    await client.create(CONFIG_MAPS, {"metadata": {"name": "orphan", "ownerReferences": [never]}}, "demo")
    stray = {"apiVersion": "v1", "kind": "ConfigMap", "name": "no", "uid": "none"}
    await client.create(CONFIG_MAPS, {"metadata": {"name": "stray", "ownerReferences": [stray]}}, "demo")
    await until(lambda: is_gone(controlled, CONFIG_MAPS, "stray"))  # so the collector has been past the others
    assert not await is_gone(controlled, CONFIG_MAPS, "child")
    assert not await is_gone(controlled, CONFIG_MAPS, "orphan")
    await controlled.server.catalog.add(kind())
    await until(lambda: is_gone(controlled, CONFIG_MAPS, "orphan"))
    assert not await is_gone(controlled, CONFIG_MAPS, "child")
    await client.delete(WIDGETS, "kept", "demo")
    await until(lambda: is_gone(controlled, CONFIG_MAPS, "child"))


async def test_a_namespace_takes_them_along_and_does_not_wait_for_a_kind_that_is_gone(controlled: Cluster) -> None:
    client = controlled.client
    widgets = kind()
    await controlled.server.catalog.add(widgets)
    for name in ("one", "two"):
        await client.create(NAMESPACES, {"metadata": {"name": name}})
    await client.create(WIDGETS, widget("a"), "one")
    await client.create(WIDGETS, widget("held", finalizers=["example.com/hold"]), "two")
    await client.delete(NAMESPACES, "one")
    await until(lambda: is_gone(controlled, NAMESPACES, "one", None))
    await client.delete(NAMESPACES, "two")

    async def told() -> bool:
        conditions = (await client.get(NAMESPACES, "two"))["status"].get("conditions", ())
        return any("widgets.example.com has 1 resource instances" in c["message"] for c in conditions)

    await until(told)
    await controlled.server.catalog.remove(widgets)
    await until(lambda: is_gone(controlled, NAMESPACES, "two", None))


@pytest.mark.parametrize("version", KUBECTL)
async def test_real_kubectls_get_explain_and_delete_it_and_then_know_it_no_more(
    controlled: Cluster, version: str
) -> None:
    if not KUBECTL[version].exists():
        pytest.skip(f"kubectl {version} is not installed")

    async def kubectl(*args: str, input: str = "") -> tuple[int, str, str]:
        return await controlled.kubectl("-n", "demo", *args, version=version, input=input)

    await controlled.client.create(CONFIG_MAPS, {"metadata": {"name": "warm"}}, "demo")
    code, _, err = await kubectl("get", "widgets")  # what discovery said is kept on disk from here on
    assert (code, "doesn't have a resource type" in err) == (1, True)
    widgets = kind()
    await controlled.server.catalog.add(widgets)
    manifest = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: {size: 7}\n"
    assert (await kubectl("apply", "-f", "-", input=manifest))[:2] == (0, "widget.example.com/a created\n")
    code, out, err = await kubectl("get", "wd", "a")
    assert code == 0, err
    assert [line.split()[:2] for line in out.splitlines()] == [["NAME", "SIZE"], ["a", "7"]]
    code, out, err = await kubectl("explain", "widget.spec.size")
    assert (code, "How large it is, in hands." in out) == (0, True), err
    assert "<integer>" in out
    wrong = manifest.replace("size: 7", "size: 7, colour: red")
    code, _, err = await kubectl("apply", "-f", "-", input=wrong)
    assert (code, 'unknown field "' in err and "colour" in err) == (1, True), err
    assert (await kubectl("delete", "widget", "a"))[0] == 0
    await controlled.server.catalog.remove(widgets)
    code, _, err = await kubectl("get", "widgets.v1.example.com", "a")
    assert code == 1
    assert "the server could not find the requested resource" in err or "doesn't have a resource type" in err
