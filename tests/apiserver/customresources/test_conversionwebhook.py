"""Boats in metres and in feet: a webhook alone knows how to translate, and the server asks it whenever it has to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.apiserver.admission.hookserver import HookServer
from tests.apiserver.customresources.boats import BOATS, boat, definition, version
from tests.apiserver.customresources.test_serving import established
from tests.apiserver.harness import Cluster
from wherry.objects import Object
from wherry.objects.errors import InternalError, Invalid
from wherry.objects.resource import CUSTOM_RESOURCE_DEFINITIONS as CRDS
from wherry.objects.resource import Resource

FEET = replace(BOATS, version="v2")
NAME = "boats.harbour.example"


def schema(key: str) -> Object:
    spec = {"type": "object", "properties": {key: {"type": "integer"}, "name": {"type": "string"}}}
    properties = {"spec": spec, "status": {"type": "object", "properties": {"phase": {"type": "string"}}}}
    return {"openAPIV3Schema": {"type": "object", "properties": properties}}


def plain(name: str, key: str, *, storage: bool) -> Object:
    made = version(name, schema=schema(key), storage=storage, subresources={"status": {}}, selectableFields=[])
    made["additionalPrinterColumns"] = [{"name": "Size", "type": "integer", "jsonPath": f".spec.{key}"}]
    return made


def translated(request: Object) -> Object:
    """Ten feet are three metres, by and large."""
    return {
        "convertedObjects": [_one(obj, request["desiredAPIVersion"]) for obj in request["objects"]],
        "result": {"status": "Success"},
    }


def _one(obj: Object, to: str) -> Object:
    spec = dict(obj.get("spec") or {})
    if to.endswith("v2") and "length" in spec:
        spec["feet"] = spec.pop("length") * 10 // 3
    elif to.endswith("v1") and "feet" in spec:
        spec["length"] = spec.pop("feet") * 3 // 10
    spec["nobody knows"] = 1
    labels = {**(obj["metadata"].get("labels") or {}), "from": obj["apiVersion"].rpartition("/")[2]}
    return {**obj, "apiVersion": to, "spec": spec, "metadata": {**obj["metadata"], "labels": labels}}


def converting(hooks: HookServer, *, storage: str = "v1", **changes: Any) -> Object:
    hooks.answers.setdefault("convert", translated)
    config = {"url": f"https://127.0.0.1:{hooks.port}/convert", "caBundle": hooks.ca}
    webhook = {"clientConfig": config, "conversionReviewVersions": ["v1"]} | changes
    versions = [plain("v1", "length", storage=storage == "v1"), plain("v2", "feet", storage=storage == "v2")]
    return definition(*versions, conversion={"strategy": "Webhook", "webhook": webhook})


def feet(name: str = "two", size: int = 30) -> Object:
    return {**boat(name), "apiVersion": FEET.api_version, "spec": {"feet": size}}


@pytest.fixture
async def hooks(tmp_path: Path) -> AsyncIterator[HookServer]:
    async with HookServer(tmp_path) as server:
        yield server


@pytest.fixture
async def harbour(cluster: Cluster, hooks: HookServer) -> Cluster:
    await cluster.client.create(CRDS, converting(hooks))
    await established(cluster)
    return cluster


async def test_an_object_is_what_it_is_in_either_version(harbour: Cluster, hooks: HookServer) -> None:
    client = harbour.client
    await client.create(BOATS, boat("one", 12), "demo")
    assert hooks.asked == []  # which is written as it is stored
    one = await client.get(FEET, "one", "demo")
    assert (one["apiVersion"], one["spec"]) == ("harbour.example/v2", {"feet": 40})
    assert one["metadata"]["labels"] == {"from": "v1"}
    two = await client.create(FEET, feet(), "demo")
    assert two["spec"] == {"feet": 30}
    two = await client.get(BOATS, "two", "demo")
    assert two["spec"] == {"length": 9}
    assert two["metadata"]["labels"] == {"from": "v2"}
    assert [o["spec"] for o in (await client.list(FEET, "demo")).items] == [{"feet": 40}, {"feet": 30}]
    assert [o["spec"] for o in (await client.list(BOATS, "demo")).items] == [{"length": 12}, {"length": 9}]


async def test_it_is_changed_in_either_version(harbour: Cluster) -> None:
    client = harbour.client
    await client.create(BOATS, boat("one", 12), "demo")
    changed = await client.patch(FEET, "one", {"spec": {"name": "Ada"}}, "demo")
    assert changed["spec"] == {"feet": 40, "name": "Ada"}
    updated = await client.update(FEET, {**changed, "spec": {"feet": 50}})
    assert (await client.get(BOATS, "one", "demo"))["spec"] == {"length": 15}
    assert updated["metadata"]["generation"] == 3
    status = await client.update(FEET, {**updated, "status": {"phase": "afloat"}}, subresource="status")
    assert status["status"] == {"phase": "afloat"}
    with pytest.raises(Invalid, match=r"spec.feet"):
        await client.patch(FEET, "one", {"spec": {"feet": "many"}}, "demo")
    same = await client.update(FEET, status)
    assert same["metadata"]["resourceVersion"] == status["metadata"]["resourceVersion"]
    await client.delete(FEET, "one", "demo")
    assert (await client.list(BOATS, "demo")).items == []


async def test_who_owns_a_field_owns_it_in_the_other_version(harbour: Cluster) -> None:
    async def apply(resource: Resource, spec: Object, manager: str) -> Object:
        config = {"apiVersion": resource.api_version, "kind": "Boat", "metadata": {"name": "one"}, "spec": spec}
        path = f"{resource.path('demo', 'one')}?fieldManager={manager}"
        status, _, body = await harbour.request("PATCH", path, config, Content_Type="application/apply-patch+yaml")
        assert status < 300, body
        return body

    await apply(BOATS, {"length": 12}, "metric")
    found = await apply(FEET, {"name": "Ada"}, "imperial")
    assert found["spec"] == {"feet": 40, "name": "Ada"}
    owners = {entry["manager"]: entry["apiVersion"] for entry in found["metadata"]["managedFields"]}
    assert owners == {"metric": "harbour.example/v1", "imperial": "harbour.example/v2"}
    found = await apply(FEET, {}, "imperial")
    assert found["spec"] == {"feet": 40}


async def test_a_watch_shows_its_own_version(harbour: Cluster) -> None:
    await harbour.client.create(BOATS, boat("one", 12), "demo")
    seen = []
    async with asyncio.timeout(10):
        async for event in harbour.client.watch(FEET, "demo", resource_version="0"):
            seen.append((event.type, event.object["spec"]))
            if len(seen) == 1:
                await harbour.client.create(BOATS, boat("two", 9), "demo")
            elif len(seen) == 2:
                break
    assert seen == [("ADDED", {"feet": 40}), ("ADDED", {"feet": 30})]


async def test_a_table_shows_what_its_version_prints(harbour: Cluster) -> None:
    await harbour.client.create(BOATS, boat("one", 12), "demo")
    table = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    _, _, body = await harbour.request("GET", "/apis/harbour.example/v2/namespaces/demo/boats", **table)
    assert [row["cells"] for row in body["rows"]] == [["one", 40]]


async def test_many_are_asked_about_in_a_few_requests_and_once(harbour: Cluster, hooks: HookServer) -> None:
    client = harbour.client
    await asyncio.gather(*(client.create(BOATS, boat(f"b{i}", i + 1), "demo") for i in range(1200)))
    found = (await client.list(FEET, "demo")).items
    assert sorted(o["spec"]["feet"] for o in found) == [(i + 1) * 10 // 3 for i in range(1200)]
    assert [len(request["objects"]) for _, request in hooks.asked] == [500, 500, 200]
    await client.list(FEET, "demo")
    assert len(hooks.asked) == 3


async def test_a_webhook_that_fails_fails_those_who_need_it_alone(harbour: Cluster, hooks: HookServer) -> None:
    client = harbour.client
    await client.create(BOATS, boat("one", 12), "demo")
    hooks.answers["convert"] = lambda request: {"result": {"status": "Failed", "message": "I am on holiday"}}
    why = "conversion webhook for harbour.example/v1, Kind=Boat failed: I am on holiday"
    for attempt in (client.get(FEET, "one", "demo"), client.list(FEET, "demo"), client.patch(FEET, "one", {}, "demo")):
        with pytest.raises(InternalError, match=why):
            await attempt
    with pytest.raises(InternalError, match=r"conversion webhook for harbour.example/v2, Kind=Boat failed"):
        await client.create(FEET, feet(), "demo")
    assert (await client.get(BOATS, "one", "demo"))["spec"] == {"length": 12}
    assert await client.patch(BOATS, "one", {"spec": {"length": 13}}, "demo")
    hooks.answers["convert"] = translated
    assert (await client.get(FEET, "one", "demo"))["spec"] == {"feet": 43}


async def test_the_storage_version_changes_under_the_objects(harbour: Cluster, hooks: HookServer) -> None:
    client = harbour.client
    await client.create(BOATS, boat("one", 12), "demo")
    found = await client.get(CRDS, NAME)
    await client.update(CRDS, {**found, "spec": {**found["spec"], **converting(hooks, storage="v2")["spec"]}})
    async with asyncio.timeout(10):
        while True:
            if (await client.get(CRDS, NAME))["status"]["storedVersions"] == ["v1", "v2"]:
                break
            await asyncio.sleep(0.02)
    assert (await client.get(BOATS, "one", "demo"))["spec"] == {"length": 12}
    await client.patch(BOATS, "one", {"metadata": {"labels": {"a": "b"}}}, "demo")
    assert (await client.get(BOATS, "one", "demo"))["spec"] == {"length": 12}
    assert (await client.get(FEET, "one", "demo"))["spec"] == {"feet": 40}


async def test_fields_are_selected_in_the_storage_version_alone(cluster: Cluster, hooks: HookServer) -> None:
    found = converting(hooks)
    found["spec"]["versions"][1]["selectableFields"] = [{"jsonPath": ".spec.name"}]
    with pytest.raises(Invalid, match=r"spec.versions\[1\].selectableFields: Forbidden: wherry selects by fields of"):
        await cluster.client.create(CRDS, found)
