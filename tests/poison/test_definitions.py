"""Definitions and APIServices that make no sense, written past every check: the others are served as ever."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import msgspec
import pytest

from tests.apiserver.customresources.boats import definition
from tests.apiserver.harness import Cluster
from tests.poison import nonsense
from tests.poison.test_components import poison, readable
from wherry.apiserver.kind import Kind
from wherry.apiserver.kinds.apiextensions.customresourcedefinition import CUSTOM_RESOURCE_DEFINITION
from wherry.apiserver.state import rooms
from wherry.apiserver.storage.interface import Write
from wherry.objects import Object, metadata
from wherry.objects.resource import CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES

NUMBER = 50


def odd_definitions(dice: Random, *, established: bool) -> list[Object]:
    known = definition() | {"metadata": {"name": "boats"}}
    kind: Kind = CUSTOM_RESOURCE_DEFINITION
    found = []
    for number in range(NUMBER):
        group = f"g{number}.example.com"
        spec = {**known["spec"], "group": group}
        names = {**spec["names"], "singular": "boat", "listKind": "BoatList"}
        status = {"acceptedNames": names, "storedVersions": ["v1"], "conditions": []}
        if established:
            status["conditions"] = [{"type": "Established", "status": "True", "reason": "x", "message": "x"}]
        obj = nonsense.twisted({**known, "spec": spec, "status": status}, dice)
        named = nonsense.named(obj, number, kind, "")
        named["metadata"]["name"] = f"{names['plural']}.{group}"
        found.append(named)
    return found


@pytest.mark.parametrize("established", [True, False])
@pytest.mark.parametrize("seed", [1, 2])
async def test_a_definition_that_makes_no_sense_keeps_no_other_from_being_served(
    tmp_path: Path, seed: int, established: bool
) -> None:
    store = tmp_path / "state.db"
    async with Cluster(tmp_path, storage=store) as cluster:
        await cluster.client.create(NAMESPACES, {"metadata": {"name": "demo"}})
    odd = odd_definitions(Random(seed), established=established)
    where = [rooms.path(CUSTOM_RESOURCE_DEFINITIONS, metadata.key(obj)) for obj in odd]
    writes = [Write(path, msgspec.json.encode(obj), 0) for path, obj in zip(where, odd, strict=True)]
    await poison(store, [], *writes)
    async with Cluster(tmp_path, storage=store) as cluster, asyncio.timeout(60):
        made = await cluster.client.create(CUSTOM_RESOURCE_DEFINITIONS, definition())
        name = made["metadata"]["name"]
        while not metadata.is_true(  # noqa: ASYNC110
            await cluster.client.get(CUSTOM_RESOURCE_DEFINITIONS, name), "Established"
        ):
            await asyncio.sleep(0.05)
        spec = made["spec"]
        path = f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"
        assert (await cluster.request("GET", path))[0] == 200
        for document in ("/apis", "/openapi/v2", "/openapi/v3", "/api"):
            assert (await cluster.request("GET", document))[0] == 200
        await readable(cluster)
