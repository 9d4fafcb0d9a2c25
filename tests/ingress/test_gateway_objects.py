"""Gateway API's objects: followed once they are there, and told how they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.fake.client import FakeClient
from tests.ingress.gatewaycases import CLASS
from wherry.component.component import Component
from wherry.ingress import gateways
from wherry.ingress.fronts.gateway.resources import CLASSES, GATEWAYS
from wherry.ingress.gateways import GatewayObjects
from wherry.ingress.options import Options
from wherry.objects import Object

GATEWAY: Object = {
    "apiVersion": GATEWAYS.api_version,
    "kind": GATEWAYS.kind,
    "metadata": {"name": "web", "namespace": "demo", "generation": 1},
    "spec": {"gatewayClassName": "wherry"},
}


@asynccontextmanager
async def following(client: FakeClient, clock: Callable[[], float] = lambda: 0.0) -> AsyncIterator[GatewayObjects]:
    component = Component("ingress", client, clock=clock)
    found = GatewayObjects(component, Options(), lambda: None)
    task = asyncio.create_task(component.run())
    try:
        yield found
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def status_unlike(client: FakeClient, before: Any) -> Any:
    """Return the Gateway's status once it is another."""
    async with asyncio.timeout(30):
        while (status := (await client.get(GATEWAYS, "web", "demo")).get("status")) == before:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return status


def condition(status: bool, generation: int = 1) -> Object:
    said = "True" if status else "False"
    return {"type": "Accepted", "status": said, "reason": "x", "message": "", "observedGeneration": generation}


async def test_kinds_are_followed_from_the_moment_the_cluster_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateways, "LOOK_SECONDS", 0.01)
    client = FakeClient()
    client.serve(CLASSES)
    client.unserve(CLASSES)
    async with following(client) as found:
        asked = len(client.calls)
        await until(lambda: len(client.calls) > asked + 2)
        assert not found.there
        assert not found.snapshot().classes
        client.serve(CLASSES)
        client.put(CLASS)
        await until(lambda: bool(found.snapshot().classes))
        assert found.there


async def test_a_status_is_written_once_and_keeps_the_time_of_what_stays() -> None:
    client, now = FakeClient(), [0.0]
    client.put(CLASS, resource=CLASSES)
    client.put(GATEWAY, resource=GATEWAYS)
    async with following(client, lambda: now[0]) as found:
        await until(lambda: bool(found.snapshot().gateways))
        subject = (GATEWAYS.kind, ("demo", "web"))
        listener = {"name": "http", "conditions": [condition(True)]}
        found.tell({subject: {"conditions": [condition(False)], "listeners": [listener]}})
        first = await status_unlike(client, None)
        assert first["conditions"][0]["lastTransitionTime"] == "1970-01-01T00:00:00Z"

        now[0] = 60.0
        listener = {"name": "http", "conditions": [condition(True, 2)]}
        found.tell({subject: {"conditions": [condition(True, 2)], "listeners": [listener]}})
        second = await status_unlike(client, first)
        assert second["conditions"][0]["lastTransitionTime"] == "1970-01-01T00:01:00Z"
        assert second["listeners"][0]["conditions"][0]["lastTransitionTime"] == "1970-01-01T00:00:00Z"
        assert second["listeners"][0]["conditions"][0]["observedGeneration"] == 2
        writes = [call for call in client.calls if call.verb == "update"]
        assert len(writes) == 2


async def test_what_others_wrote_into_a_status_is_put_right() -> None:
    client = FakeClient()
    client.put(CLASS, resource=CLASSES)
    client.put(GATEWAY, resource=GATEWAYS)
    async with following(client) as found:
        await until(lambda: bool(found.snapshot().gateways))
        found.tell({(GATEWAYS.kind, ("demo", "web")): {"conditions": [condition(True)]}})
        first = await status_unlike(client, None)
        wrong = {"conditions": [{**condition(False), "lastTransitionTime": "x"}]}
        client.put({**GATEWAY, "status": wrong}, resource=GATEWAYS)
        assert (
            (await status_unlike(client, wrong))["conditions"][0]["status"]
            == "True"
            == first["conditions"][0]["status"]
        )
