"""Events live for an hour after they last happened."""

from __future__ import annotations

from tests.controllers.builders import NOW, Clock, names, running, until
from tests.fake.client import FakeClient
from wherry.controllers.eventttl import EventTTLController
from wherry.objects import Object
from wherry.objects.resource import EVENTS
from wherry.objects.timestamps import micro, rfc3339


def event(name: str, at: float) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": "demo", "creationTimestamp": rfc3339(NOW - 9000)},
        "lastTimestamp": rfc3339(at),
    }


async def test_old_events_are_deleted_and_repeated_ones_kept() -> None:
    series = event("series", NOW - 9000) | {"series": {"lastObservedTime": micro(NOW - 5)}}
    client = FakeClient(event("old", NOW - 3601), event("fresh", NOW - 10), series)
    async with running(client, (EventTTLController,), Clock()):
        await until(lambda: names(client, EVENTS) == {"fresh", "series"})
