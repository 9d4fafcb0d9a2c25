"""Dependents follow their owners."""

from __future__ import annotations

from typing import Any

import pytest

from tests.controllers.builders import NOW, everything, names, running, until
from tests.fake.client import FakeClient
from wherry.controllers.garbagecollector.controller import GarbageCollector
from wherry.controllers.garbagecollector.decide import Fate, Verdict, verdict
from wherry.objects import Object
from wherry.objects.errors import NotFound
from wherry.objects.resource import CONFIG_MAPS, REPLICA_SETS, SECRETS, Resource
from wherry.objects.timestamps import rfc3339


def replica_set(name: str = "owner", **meta: Any) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": name, "namespace": "demo", "uid": f"uid-{name}"} | meta,
        "spec": {},
    }


def owned(name: str, *owners: str, kind: str = "ReplicaSet", **meta: Any) -> Object:
    api_version = "apps/v1" if kind == "ReplicaSet" else "v1"
    references = [
        {"apiVersion": api_version, "kind": kind, "name": o, "uid": f"uid-{o}", "blockOwnerDeletion": True}
        for o in owners
    ]
    metadata = {"name": name, "namespace": "demo", "uid": f"uid-{name}", "ownerReferences": references} | meta
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


DELETING = {"deletionTimestamp": rfc3339(NOW)}


@pytest.mark.parametrize(
    ("obj", "fates", "dependents", "expected"),
    [
        (owned("a", "x"), {"x": Fate.ALIVE}, False, Verdict()),
        (owned("a", "x"), {"x": Fate.GONE}, False, Verdict("Background")),
        (owned("a", "x", "y"), {"x": Fate.GONE, "y": Fate.ALIVE}, False, "frees x"),
        (owned("a", "x", "y"), {"x": Fate.WAITING, "y": Fate.ALIVE}, False, "frees x"),
        (owned("a", "x"), {"x": Fate.WAITING}, True, Verdict("Foreground")),
        (owned("a", "x"), {"x": Fate.WAITING}, False, Verdict("Background")),
        (owned("a", "x", finalizers=["orphan"]), {"x": Fate.GONE}, False, Verdict("Orphan")),
        (owned("a", "x", **DELETING), {"x": Fate.GONE}, False, Verdict()),
        (replica_set(), {}, False, Verdict()),
    ],
)
def test_one_live_owner_keeps_an_object(obj: Object, fates: dict[str, Fate], dependents: bool, expected: Any) -> None:
    decided = verdict(obj, lambda r: fates[r["name"]], dependents)
    if expected == "frees x":
        assert [r["name"] for r in decided.references or ()] == ["y"]
    else:
        assert decided == expected


async def test_dependents_of_a_deleted_owner_go_all_the_way_down() -> None:
    grandchild = owned("grandchild", "child", kind="ConfigMap")
    client = FakeClient(replica_set(), owned("child", "owner"), grandchild, owned("other", "second"))
    client.put(replica_set("second"))
    async with running(client, (GarbageCollector,)):
        await client.delete(REPLICA_SETS, "owner", "demo", propagation_policy="Background")
        await until(lambda: names(client, CONFIG_MAPS) == {"other"})


async def test_a_foreground_deletion_keeps_the_owner_until_its_dependents_are_gone() -> None:
    client = FakeClient(replica_set(), owned("child", "owner", finalizers=["example.com/hold"]))
    async with running(client, (GarbageCollector,)):
        await client.delete(REPLICA_SETS, "owner", "demo", propagation_policy="Foreground")
        await until(lambda: everything(client, CONFIG_MAPS)[0]["metadata"].get("deletionTimestamp"))
        assert names(client, REPLICA_SETS) == {"owner"}
        await client.patch(CONFIG_MAPS, "child", {"metadata": {"finalizers": None}}, "demo")
        await until(lambda: not everything(client, REPLICA_SETS))


async def test_orphans_are_set_free() -> None:
    client = FakeClient(replica_set(), owned("child", "owner"))
    async with running(client, (GarbageCollector,)):
        await client.delete(REPLICA_SETS, "owner", "demo", propagation_policy="Orphan")
        await until(lambda: not everything(client, REPLICA_SETS))
    (child,) = everything(client, CONFIG_MAPS)
    assert "ownerReferences" not in child["metadata"]


async def test_a_dependent_whose_owner_never_was_is_collected_but_never_one_of_an_unknown_kind() -> None:
    stray = owned("stray", "nobody")
    foreign = owned("foreign", "x")
    foreign["metadata"]["ownerReferences"][0] |= {"apiVersion": "example.com/v1", "kind": "Widget"}
    client = FakeClient(stray, foreign)
    async with running(client, (GarbageCollector,)):
        await until(lambda: names(client, CONFIG_MAPS) == {"foreign"})
        await _looked_at_all(client)
    assert names(client, CONFIG_MAPS) == {"foreign"}


async def test_an_owner_of_the_same_name_but_another_uid_is_no_owner() -> None:
    impostor = replica_set() | {"metadata": replica_set()["metadata"] | {"uid": "another"}}
    client = FakeClient(impostor, owned("child", "owner"))
    client.put({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "free", "namespace": "demo"}})
    async with running(client, (GarbageCollector,)):
        await until(lambda: not everything(client, CONFIG_MAPS))
    assert names(client, SECRETS) == {"free"}


async def _looked_at_all(client: FakeClient) -> None:
    """Return once a stray that is newer than all else is gone: what came before it has been looked at."""
    client.put(owned("newest", "nobody"))
    await until(lambda: "newest" not in names(client, CONFIG_MAPS))


class Damaged(FakeClient):
    """A server on which one ReplicaSet is stored and cannot be read."""

    async def get(
        self, resource: Resource, name: str, namespace: str | None = None, *, subresource: str = ""
    ) -> Object:
        if (resource, name) == (REPLICA_SETS, "owner"):
            raise NotFound.from_status(NotFound.damaged("replicasets", name, "apps", "/some/file").status())
        return await super().get(resource, name, namespace)


async def test_the_dependents_of_an_owner_that_is_damaged_are_kept() -> None:
    client = Damaged(owned("child", "owner"), owned("stray", "nobody"))
    async with running(client, (GarbageCollector,)):
        await until(lambda: names(client, CONFIG_MAPS) == {"child"})
        await _looked_at_all(client)
    assert names(client, CONFIG_MAPS) == {"child"}
