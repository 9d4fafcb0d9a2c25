"""A definition makes a kind that real clients can use like any other."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.customresources.boats import BOATS, SPEC, boat, definition, version
from tests.apiserver.harness import Cluster, until
from wherry.objects import Object, metadata
from wherry.objects.errors import Invalid, NotFound
from wherry.objects.resource import CUSTOM_RESOURCE_DEFINITIONS as CRDS


async def established(cluster: Cluster, name: str = "boats.harbour.example") -> None:
    async def is_true() -> bool:
        return metadata.is_true(await cluster.client.get(CRDS, name), "Established")

    await until(is_true)


async def test_its_objects_are_served_by_the_time_it_says_so(cluster: Cluster) -> None:
    await cluster.client.create(CRDS, definition())
    await established(cluster)
    made = await cluster.client.create(BOATS, boat(), "demo")
    assert made["spec"] == {"length": 12, "colour": "blue", "berths": 2}
    assert made["metadata"]["generation"] == 1
    with pytest.raises(
        Invalid, match=r"spec.length: Invalid value: 0: spec.length in body should be greater than or equ"
    ):
        await cluster.client.patch(BOATS, "one", {"spec": {"length": 0}}, "demo")
    status = (await cluster.client.get(CRDS, "boats.harbour.example"))["status"]
    assert status["storedVersions"] == ["v1"]
    assert status["acceptedNames"]["singular"] == "boat"
    assert [(c["type"], c["status"], c["reason"]) for c in status["conditions"]] == [
        ("NamesAccepted", "True", "NoConflicts"),
        ("Established", "True", "InitialNamesAccepted"),
    ]
    await cluster.client.delete(CRDS, "boats.harbour.example")

    async def is_gone() -> bool:
        try:
            await cluster.client.get(CRDS, "boats.harbour.example")
        except NotFound:
            return True
        return False

    await until(is_gone)
    with pytest.raises(NotFound):
        await cluster.client.list(BOATS)


def ruled(rule: str, **more: Any) -> Object:
    """Return a version of boats whose spec is held to a rule."""
    spec = {**SPEC, "x-kubernetes-validations": [{"rule": rule, **more}]}
    return version(schema={"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}, subresources={})


async def test_an_object_is_held_to_the_rules_of_its_schema(cluster: Cluster) -> None:
    await cluster.client.create(CRDS, definition(ruled("self.length >= self.berths", message="too many berths")))
    await established(cluster)
    await cluster.client.create(BOATS, boat(), "demo")
    with pytest.raises(Invalid, match="spec: Invalid value: too many berths"):
        await cluster.client.patch(BOATS, "one", {"spec": {"berths": 13}}, "demo")
    changed = {"spec": {"versions": [ruled("self.sails > 1")]}}
    with pytest.raises(Invalid, match="undefined field 'sails'"):
        await cluster.client.patch(CRDS, "boats.harbour.example", changed)
