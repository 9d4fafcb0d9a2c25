"""Adopting and releasing, where one of the objects is none that any write is let through with."""

from __future__ import annotations

import pytest

from tests.controllers.builders import pod, template
from tests.fake.client import FakeClient
from wherry.component.events import EventWriter
from wherry.controllers.ownership import claim, settle
from wherry.objects import Object, selectors
from wherry.objects.errors import Conflict, Invalid
from wherry.objects.metadata import controller_of, key
from wherry.objects.resource import EVENTS, PODS, REPLICA_SETS

OWNER: Object = {
    "apiVersion": "apps/v1",
    "kind": "ReplicaSet",
    "metadata": {"name": "web", "namespace": "demo", "uid": "r1"},
    "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template()},
}


async def settled(client: FakeClient) -> bool:
    pods = client.peek_all(PODS)
    claimed = claim(OWNER, selectors.stored(OWNER["spec"]["selector"]), pods)
    events = EventWriter(client)
    try:
        return await settle(client, events.recorder("test"), REPLICA_SETS, OWNER, PODS, claimed)
    finally:
        await events.drain()


def orphan(name: str) -> Object:
    return pod(name, labels={"app": "web"})


async def test_a_pod_that_cannot_be_written_is_told_of_and_the_next_one_adopted() -> None:
    client = FakeClient(OWNER, orphan("a"), orphan("b"))
    client.fail(Invalid("spec.containers: Required value"), verb="patch", resource=PODS)
    assert await settled(client)
    owners = {key(p)[1]: (controller_of(p) or {}).get("uid") for p in client.peek_all(PODS)}
    assert owners == {"a": None, "b": "r1"}
    (event,) = client.peek_all(EVENTS)
    assert event["reason"] == "FailedClaim"
    assert event["involvedObject"]["name"] == "a"
    assert "spec.containers: Required value" in event["message"]


async def test_with_nothing_but_such_pods_an_owner_goes_on() -> None:
    client = FakeClient(OWNER, orphan("a"))
    client.fail(Invalid("no"), verb="patch", resource=PODS)
    assert not await settled(client)


async def test_a_pod_that_has_changed_meanwhile_is_looked_at_again() -> None:
    client = FakeClient(OWNER, orphan("a"))
    client.fail(Conflict("raced"), verb="patch", resource=PODS)
    with pytest.raises(Conflict):
        await settled(client)
