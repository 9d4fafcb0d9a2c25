"""What is accepted can be read, updated and deleted again: every kind, odd values in odd places, odd names."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.apiserver.harness import Cluster, give_default_accounts
from tests.apiserver.kinds.pipeline import World, accepted, kind_of, write
from tests.apiserver.registry.specimens import specimens
from tests.apiserver.registry.test_odd_input import read
from tests.poison import nonsense
from wherry.apiserver.kind import Kind
from wherry.apiserver.kinds import KINDS
from wherry.client.http import HttpClient
from wherry.objects import Object, metadata
from wherry.objects.errors import ApiError, BadRequest, Invalid, NotFound
from wherry.objects.resource import NAMESPACES

SPECIMENS = [obj for obj in specimens() if kind_of(obj).resource.api_version == obj["apiVersion"]]
NAMES = (
    *("a", "A", "a.b", "a_b", "-", "a:b", "a b", "é", "名前", "?", "#a", "a&b=c", "a+b", "a;b", "a,b", "a\nb", "a\tb"),
    *("\x00", "\x7f", "\u2028", "*", "'", '"', "~", "(a)", "a=b", "a!=b", "x" * 63, "x" * 64, "x" * 253, "x" * 254),
    *("é" * 300, "x" * 2048, "x" * 2049, "x" * 9000, "x" * 70_000, "...", "watch", "10.96.0.200", "fd00::1"),
)


@settings(max_examples=500)
@given(st.integers(0, 2**32), st.sampled_from(SPECIMENS))
def test_an_object_that_is_accepted_is_accepted_as_it_is_again(seed: int, obj: Object) -> None:
    """So nobody has to mend what he did not break, to change something else."""
    odd = nonsense.twisted(obj, Random(seed))
    try:
        stored, errors = write(odd, None, World())
    except ApiError:
        return
    if errors:
        return
    read(stored)
    holder = World([] if kind_of(stored).claims else [stored])
    again, errors = write(metadata.copy(stored), metadata.copy(stored), holder)
    assert [str(e) for e in errors] == []
    read(again)


async def lived(client: HttpClient, kind: Kind, obj: Object, name: str) -> str:
    """Take an object of that name through its life; return "refused" or "lived"."""
    resource, namespace = kind.resource, "demo" if kind.namespaced else None
    body = metadata.copy(obj) | {"metadata": {"name": name}}
    try:
        made = await client.create(resource, body, namespace)
    except (Invalid, BadRequest):
        return "refused"
    if kind.grace_period or kind.held:
        await client.delete(resource, name, namespace, grace_period_seconds=0)
        return "lived"
    assert (await client.get(resource, name, namespace))["metadata"]["uid"] == made["metadata"]["uid"]
    if "," not in name and "=" not in name:  # which a selector would have to escape
        found = (await client.list(resource, namespace, fields=f"metadata.name={name}")).items
        assert [obj["metadata"]["name"] for obj in found] == [name]
    changed = await client.patch(resource, name, {"metadata": {"labels": {"a": "b"}}}, namespace)
    await client.update(resource, changed)
    await client.delete(resource, name, namespace)
    try:
        found = await client.get(resource, name, namespace)
        assert metadata.is_being_deleted(found)
    except NotFound:
        pass
    return "lived"


NAMED_BY_SPEC = ("APIService", "CustomResourceDefinition")
"""Kinds of which an object has one name, which its spec tells."""


@pytest.mark.parametrize("kind", [k for k in KINDS if k.kind not in NAMED_BY_SPEC], ids=lambda k: k.kind)
async def test_whatever_name_is_accepted_an_object_of_it_can_be_had_changed_and_deleted(
    kind: Kind, tmp_path: Path
) -> None:
    obj: Any = next(accepted(o, None, World()) for o in SPECIMENS if kind_of(o) is kind)
    for key in ("clusterIP", "clusterIPs", "externalIPs"):
        (obj.get("spec") or {}).pop(key, None) if kind.kind == "Service" else None
    if kind.kind == "Event":
        obj = obj | {"involvedObject": {"namespace": "demo"}}
    async with Cluster(tmp_path) as cluster:
        client = cluster.http()
        try:
            await client.create(NAMESPACES, {"metadata": {"name": "demo"}})
            await give_default_accounts(client, "demo")
            outcomes = {name: await lived(client, kind, obj, name) for name in NAMES}
        finally:
            await client.close()
    assert "lived" in outcomes.values()
    assert outcomes["x" * 70_000] == "refused"
