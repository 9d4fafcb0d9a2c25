"""What becomes of the managed fields a client sends: kept or reset by upstream's rule, never dropped in silence."""

from __future__ import annotations

import pytest

from tests.apiserver.harness import Cluster
from tests.apiserver.samples import config_map, deployment
from wherry.apiserver.registry.managedfields import after
from wherry.objects import Object
from wherry.objects.resource import CONFIG_MAPS, DEPLOYMENTS


def entry(manager: str, **changes: object) -> Object:
    owned = {"f:data": {"f:x": {}}}
    fields = {"manager": manager, "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1"}
    return {**fields, "fieldsV1": owned, **changes}


MINE, LIVE = [entry("mine")], [entry("live")]


@pytest.mark.parametrize(
    ("asked", "part", "wanted"),
    [
        (None, "", LIVE),
        (MINE, "", MINE),
        (MINE, "status", LIVE),
        ([], "", []),
        ([{}], "", []),
        ([], "status", LIVE),
        ([entry("odd", fieldsType="FieldsV9")], "", LIVE),
        ([entry("odd", fieldsV1=[1])], "", LIVE),
    ],
)
def test_managed_fields_after_a_write(asked: list[Object] | None, part: str, wanted: list[Object]) -> None:
    """None given: as before; given: as given, unless by a subresource or unreadable; empty: forgotten."""
    assert list(after(asked, LIVE, part)) == wanted


def owned(obj: Object) -> dict[str, Object]:
    return {e["manager"]: e["fieldsV1"] for e in obj["metadata"].get("managedFields", ())}


async def test_a_client_that_does_not_know_managed_fields_loses_them_for_nobody(cluster: Cluster) -> None:
    obj = config_map("a", x="1")
    obj["metadata"]["managedFields"] = MINE
    made = await cluster.client.create(CONFIG_MAPS, obj, "demo")
    assert owned(made) == {"apiserver": {"f:data": {".": {}, "f:x": {}}}}  # all of a new object is its writer's
    foreign = {"metadata": {"managedFields": [*made["metadata"]["managedFields"], entry("other", operation="Apply")]}}
    await cluster.client.patch(CONFIG_MAPS, "a", foreign, "demo")
    ignorant = config_map("a", x="1", y="2")
    ignorant["metadata"]["namespace"] = "demo"
    updated = await cluster.client.update(CONFIG_MAPS, ignorant)
    assert owned(updated) == {
        "other": {"f:data": {"f:x": {}}},
        "apiserver": {"f:data": {".": {}, "f:x": {}, "f:y": {}}},
    }
    patched = await cluster.client.patch(CONFIG_MAPS, "a", {"data": {"x": "3"}}, "demo")
    assert owned(patched) == {"apiserver": {"f:data": {".": {}, "f:x": {}, "f:y": {}}}}


@pytest.mark.parametrize("empty", [[], [{}]])
async def test_an_empty_list_forgets_every_manager(cluster: Cluster, empty: list[Object]) -> None:
    obj = config_map("a")
    obj["metadata"]["managedFields"] = MINE
    await cluster.client.create(CONFIG_MAPS, obj, "demo")
    patched = await cluster.client.patch(CONFIG_MAPS, "a", {"metadata": {"managedFields": empty}}, "demo")
    assert "managedFields" not in patched["metadata"]


async def test_nobody_writes_managed_fields_through_a_subresource(cluster: Cluster) -> None:
    await cluster.client.create(DEPLOYMENTS, deployment("a"), "demo")
    patch = {"metadata": {"managedFields": MINE}, "status": {"replicas": 1}}
    patched = await cluster.client.patch(DEPLOYMENTS, "a", patch, "demo", subresource="status")
    assert patched["status"]["replicas"] == 1
    assert "mine" not in owned(patched)
    (through,) = [e for e in patched["metadata"]["managedFields"] if "subresource" in e]
    assert (through["subresource"], through["fieldsV1"]) == ("status", {"f:status": {"f:replicas": {}}})
