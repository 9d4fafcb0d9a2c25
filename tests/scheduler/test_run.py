"""The scheduler's loop on the in-memory API."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from tests.fake.client import FakeClient
from tests.scheduler.builders import node, pod, taint
from wherry.objects import Object
from wherry.objects.errors import ServiceUnavailable
from wherry.objects.resource import EVENTS, NODES, PODS
from wherry.scheduler.config import SchedulerConfig
from wherry.scheduler.run import make


@contextlib.asynccontextmanager
async def scheduling(client: FakeClient, **config: Any) -> AsyncIterator[None]:
    task = asyncio.create_task(make(client, SchedulerConfig(**({"first_backoff": 0.005} | config))).run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(holds: Callable[[], Any], seconds: float = 5.0) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not holds():
        assert asyncio.get_running_loop().time() < deadline, "the condition never came true"
        await asyncio.sleep(0.002)


def get(client: FakeClient, name: str) -> Object:
    found = client.peek(PODS, name, "demo")
    assert found is not None
    return found


def node_of(client: FakeClient, name: str) -> str:
    return str(get(client, name)["spec"].get("nodeName", ""))


async def messages(client: FakeClient, reason: str) -> list[str]:
    return [e["message"] for e in (await client.list(EVENTS)).items if e["reason"] == reason]


async def test_a_pod_is_bound_and_the_event_tells_where() -> None:
    client = FakeClient(node("n1"), pod("web"))
    async with scheduling(client):
        await until(lambda: node_of(client, "web") == "n1")
        await until(lambda: any(c.resource == EVENTS and c.verb == "create" for c in client.calls))
        assert await messages(client, "Scheduled") == ["Successfully assigned demo/web to n1"]


async def test_an_unschedulable_pod_says_why_and_is_bound_once_a_node_is_labelled() -> None:
    client = FakeClient(node("n1"), pod("web", nodeSelector={"ingress": "true"}))
    text = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. "
    text += "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    async with scheduling(client):
        await until(lambda: get(client, "web")["status"].get("conditions"))
        (told,) = get(client, "web")["status"]["conditions"]
        assert (told["type"], told["status"], told["reason"], told["message"]) == (
            "PodScheduled",
            "False",
            "Unschedulable",
            text,
        )
        assert await messages(client, "FailedScheduling") == [text]
        client.put(node("n1", labels={"ingress": "true"}))
        await until(lambda: node_of(client, "web") == "n1")


async def test_an_event_that_cannot_help_does_not_wake_a_pod() -> None:
    client = FakeClient(node("n1", taints=[taint("smoke")]), pod("web"))
    async with scheduling(client):
        await until(lambda: get(client, "web")["status"].get("conditions"))
        await client.create(PODS, pod("other", schedulerName="mine", nodeName="n1"), "demo")
        await client.create(PODS, pod("later"), "demo")
        await until(lambda: get(client, "later")["status"].get("conditions"))  # what came before is dealt with by then
        patches = [c.name for c in client.calls if c.verb == "patch"]
        assert patches == ["web", "later"]
        assert len(await messages(client, "FailedScheduling")) == 2
        client.put(node("n1"))
        await until(lambda: node_of(client, "web") == "n1")


async def test_pods_of_other_schedulers_and_gated_pods_are_left_alone_until_the_gate_opens() -> None:
    client = FakeClient(
        node("n1"), pod("foreign", schedulerName="mine"), pod("gated", schedulingGates=[{"name": "x/y"}]), pod("mine")
    )
    async with scheduling(client):
        await until(lambda: node_of(client, "mine") == "n1")
        assert (node_of(client, "foreign"), node_of(client, "gated")) == ("", "")
        await client.patch(PODS, "gated", {"spec": {"schedulingGates": None}}, "demo")
        await until(lambda: node_of(client, "gated") == "n1")
        assert node_of(client, "foreign") == ""


async def test_many_pods_never_overcommit_a_node() -> None:
    pods = [pod(f"p{i}", cpu="1") for i in range(9)]
    client = FakeClient(node("n1", cpu="4"), node("n2", cpu="4"), *pods)
    async with scheduling(client):
        await until(lambda: sum(bool(node_of(client, f"p{i}")) for i in range(9)) == 8)
        used = [node_of(client, f"p{i}") for i in range(9)]
        assert used.count("n1") == used.count("n2") == 4
        await client.delete(PODS, next(f"p{i}" for i in range(9) if used[i]), "demo", grace_period_seconds=0)
        await until(lambda: len([c for c in client.calls if c.subresource == "binding"]) == 9)


async def test_a_failed_binding_is_taken_back_and_tried_again() -> None:
    client = FakeClient(node("n1"), pod("web"))
    client.fail(ServiceUnavailable("gone fishing"), verb="create", resource=PODS)
    async with scheduling(client):
        await until(lambda: node_of(client, "web") == "n1")


async def test_a_deleted_node_is_not_used() -> None:
    client = FakeClient(node("n1"), node("n2"), pod("p0"))
    async with scheduling(client):
        await until(lambda: node_of(client, "p0"))
        client.remove(NODES, "n1")
        await client.told()
        for i in range(1, 4):
            await client.create(PODS, pod(f"p{i}"), "demo")
        await until(lambda: all(node_of(client, f"p{i}") == "n2" for i in range(1, 4)))


async def test_with_nothing_to_do_nothing_is_written() -> None:
    client = FakeClient(node("n1"), pod("web", nodeName="n1"))
    async with scheduling(client):
        await client.create(PODS, pod("later"), "demo")
        await until(lambda: node_of(client, "later") == "n1")
    assert {call.name for call in client.writes() if call.resource == PODS} == {"later"}


async def test_a_more_important_pod_drives_others_out_and_gets_their_room() -> None:
    client = FakeClient(node("n1", cpu="1"), pod("low", cpu="1", nodeName="n1"))
    async with scheduling(client):
        await client.create(PODS, pod("high", cpu="1", priority=10, terminationGracePeriodSeconds=30), "demo")
        await until(lambda: "deletionTimestamp" in get(client, "low")["metadata"])
        await until(lambda: get(client, "high")["status"].get("nominatedNodeName") == "n1")
        uid = get(client, "high")["metadata"]["uid"]
        why = next(c for c in get(client, "low")["status"]["conditions"] if c["type"] == "DisruptionTarget")
        assert (why["status"], why["reason"]) == ("True", "PreemptionByScheduler")
        assert await messages(client, "Preempted") == [f"Preempted by pod {uid} on node n1"]
        await client.create(PODS, pod("thief", cpu="1", priority=5), "demo")
        await until(lambda: get(client, "thief")["status"].get("conditions"))
        await client.delete(PODS, "low", "demo", grace_period_seconds=0)
        await until(lambda: node_of(client, "high") == "n1")
        assert node_of(client, "thief") == ""
        assert not get(client, "thief")["status"].get("nominatedNodeName")


async def test_a_nomination_that_has_become_useless_is_taken_back() -> None:
    wanted = pod("high", cpu="1", priority=10)
    wanted["status"]["nominatedNodeName"] = "n1"
    client = FakeClient(node("n1", cpu="1"), pod("higher", cpu="1", priority=20, nodeName="n1"), wanted)
    async with scheduling(client):
        await until(lambda: get(client, "high")["status"].get("conditions"))
        assert "nominatedNodeName" not in get(client, "high")["status"]
