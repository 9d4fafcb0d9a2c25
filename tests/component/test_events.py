"""Events: counted, folded, limited, and written without anybody waiting."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fake.client import FakeClient
from wherry.component import events
from wherry.component.events import Correlator, EventWriter, Occurrence
from wherry.objects import Object
from wherry.objects.errors import Forbidden, ServiceUnavailable
from wherry.objects.resource import EVENTS, NODES, PODS

NOW = 1_800_000_000.0

POD = {"metadata": {"name": "web", "namespace": "demo", "uid": "u1", "resourceVersion": "7"}}
NODE = {"metadata": {"name": "n1", "uid": "u2"}}


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


async def written(client: FakeClient) -> list[Object]:
    return (await client.list(EVENTS)).items


async def test_an_event_names_the_object_the_source_and_the_time() -> None:
    client, clock = FakeClient(), Clock()
    writer = EventWriter(client, clock=clock)
    recorder = writer.recorder("kubelet", "n1")
    recorder.event(PODS, POD, "Normal", "Started", "Started container", field_path="spec.containers{web}")
    assert await written(client) == []
    await writer.drain()
    (event,) = await written(client)
    assert event["metadata"]["name"].startswith("web.")
    assert event["involvedObject"] == {
        "kind": "Pod",
        "apiVersion": "v1",
        "name": "web",
        "namespace": "demo",
        "uid": "u1",
        "fieldPath": "spec.containers{web}",
    }
    assert event["source"] == {"component": "kubelet", "host": "n1"}
    assert (event["type"], event["reason"], event["count"]) == ("Normal", "Started", 1)
    assert event["firstTimestamp"] == event["lastTimestamp"] == "2027-01-15T08:00:00Z"


async def test_a_repetition_raises_the_count_of_the_same_event() -> None:
    client, clock = FakeClient(), Clock()
    writer = EventWriter(client, clock=clock)
    recorder = writer.recorder("x")
    for _ in range(3):
        recorder.event(PODS, POD, "Warning", "BackOff", "restarting")
        clock.now += 60
    await writer.drain()
    (event,) = await written(client)
    assert event["count"] == 3
    assert (event["firstTimestamp"], event["lastTimestamp"]) == ("2027-01-15T08:00:00Z", "2027-01-15T08:02:00Z")


async def test_what_is_cluster_scoped_is_told_in_the_default_namespace() -> None:
    client = FakeClient()
    writer = EventWriter(client)
    writer.recorder("x").event(NODES, NODE, "Normal", "NodeReady", "up")
    await writer.drain()
    (event,) = await written(client)
    assert event["metadata"]["namespace"] == "default"


async def test_a_counted_event_that_was_deleted_meanwhile_is_made_again() -> None:
    client = FakeClient()
    writer = EventWriter(client)
    recorder = writer.recorder("x")
    recorder.event(PODS, POD, "Normal", "A", "a")
    await writer.drain()
    client.remove(EVENTS, (await written(client))[0]["metadata"]["name"], "demo")
    recorder.event(PODS, POD, "Normal", "A", "a")
    await writer.drain()
    assert [e["count"] for e in await written(client)] == [2]


def occurrence(message: str, at: float = NOW, name: str = "web") -> Occurrence:
    return Occurrence((("kind", "Pod"), ("name", name), ("namespace", "demo")), ("x", ""), "Normal", "R", message, at)


def test_a_flood_of_similar_events_folds_into_one() -> None:
    correlator = Correlator()
    decided = [correlator.correlate(occurrence(f"m{i}")) for i in range(13)]
    messages = [d[0]["message"] for d in decided if d]
    assert messages[:10] == [f"m{i}" for i in range(10)]
    assert messages[10:] == [f"(combined from similar events): m{i}" for i in (10, 11, 12)]
    assert [d[0]["count"] for d in decided if d][10:] == [1, 2, 3]


def test_ten_quiet_minutes_end_the_folding() -> None:
    correlator = Correlator()
    for i in range(12):
        correlator.correlate(occurrence(f"m{i}"))
    later = correlator.correlate(occurrence("m99", NOW + 601))
    assert later is not None
    assert later[0]["message"] == "m99"


def test_one_objects_noise_is_limited_and_recovers_slowly() -> None:
    correlator = Correlator()
    said = [correlator.correlate(occurrence("same")) is not None for _ in range(30)]
    assert said == [True] * 25 + [False] * 5
    assert correlator.correlate(occurrence("same", name="other")) is not None
    assert correlator.correlate(occurrence("same", NOW + 299)) is None
    assert correlator.correlate(occurrence("same", NOW + 301)) is not None


def test_names_differ_even_at_the_same_instant() -> None:
    correlator = Correlator()
    names = {d[0]["metadata"]["name"] for i in range(5) if (d := correlator.correlate(occurrence(f"m{i}")))}
    assert len(names) == 5


async def test_a_refused_event_is_dropped_and_the_next_one_written() -> None:
    client = FakeClient()
    client.fail(Forbidden("namespace is terminating"), verb="create")
    writer = EventWriter(client)
    writer.recorder("x").event(PODS, POD, "Normal", "A", "a")
    writer.recorder("x").event(PODS, POD, "Normal", "B", "b")
    await writer.drain()
    assert [e["reason"] for e in await written(client)] == ["B"]


async def test_an_unreachable_server_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "RETRY_SECONDS", 0.0)
    client = FakeClient()
    client.fail(ServiceUnavailable("down"), verb="create", times=3)
    writer = EventWriter(client)
    writer.recorder("x").event(PODS, POD, "Normal", "A", "a")
    await writer.drain()
    assert len(await written(client)) == 1


async def test_recording_never_blocks_even_when_too_many_wait(caplog: Any) -> None:
    writer = EventWriter(FakeClient())
    recorder = writer.recorder("x")
    for i in range(events.QUEUE_LIMIT + 1):
        recorder.event(PODS, POD, "Normal", "A", f"m{i}")
    assert "event dropped" in caplog.text
