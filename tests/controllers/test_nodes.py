"""Nodes that fall silent, and the pods on them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.controllers.builders import NOW, everything, names, node, pod, running, until
from tests.fake.client import FakeClient
from tests.virtual import in_virtual_time
from wherry.controllers.nodelifecycle.controller import NodeLifecycleController
from wherry.controllers.nodelifecycle.eviction import leaves_at
from wherry.controllers.nodelifecycle.evictor import TaintEvictionController
from wherry.controllers.nodelifecycle.heartbeat import listen, silenced
from wherry.controllers.nodelifecycle.taints import desired
from wherry.controllers.podgc import PodGCController, abandoned, oldest_finished
from wherry.objects import Object
from wherry.objects.metadata import condition
from wherry.objects.resource import NODES, PODS
from wherry.objects.timestamps import micro, rfc3339


def lease(name: str, at: float) -> Object:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": "kube-node-lease"},
        "spec": {"renewTime": micro(at)},
    }


def test_a_heartbeat_counts_when_it_is_seen_to_change_whatever_the_nodes_clock_says() -> None:
    first = listen(None, node("n"), lease("n", 5.0), NOW)
    assert first.seen == NOW
    assert listen(first, node("n"), lease("n", 5.0), NOW + 30) is first
    assert listen(first, node("n"), lease("n", 15.0), NOW + 30).seen == NOW + 30
    assert listen(first, node("n", at=NOW + 1), lease("n", 5.0), NOW + 40).seen == NOW + 40


def test_our_own_verdict_is_no_heartbeat() -> None:
    first = listen(None, node("n"), lease("n", 5.0), NOW)
    silent = node("n") | {"status": {"conditions": silenced(node("n"), NOW + 60)}}
    assert listen(first, silent, lease("n", 5.0), NOW + 61) is first


def test_a_silent_node_knows_nothing_of_itself() -> None:
    conditions = {c["type"]: (c["status"], c["reason"]) for c in silenced(node("n"), NOW)}
    assert conditions["Ready"] == ("Unknown", "NodeStatusUnknown")
    assert conditions["DiskPressure"] == ("Unknown", "NodeStatusNeverUpdated")
    again = node("n") | {"status": {"conditions": silenced(node("n"), NOW)}}
    assert silenced(again, NOW + 60) == again["status"]["conditions"]


def keys(taints: list[Object]) -> set[tuple[str, str]]:
    return {(t["key"].removeprefix("node.kubernetes.io/"), t["effect"]) for t in taints}


def test_taints_follow_conditions_and_leave_others_alone() -> None:
    own = {"key": "smoke", "value": "true", "effect": "NoSchedule"}
    assert desired(node("n", taints=[own]), NOW, evict=True) == [own]
    unready = desired(node("n", ready="False", taints=[own]), NOW, evict=True)
    assert keys(unready) == {("smoke", "NoSchedule"), ("not-ready", "NoSchedule"), ("not-ready", "NoExecute")}
    unknown = node("n", ready="Unknown", taints=unready)
    assert keys(desired(unknown, NOW, evict=False)) == {("smoke", "NoSchedule"), ("unreachable", "NoSchedule")}
    cordoned = node("n") | {"spec": {"unschedulable": True}}
    assert keys(desired(cordoned, NOW, evict=True)) == {("unschedulable", "NoSchedule")}


NO_EXECUTE = {"key": "k", "effect": "NoExecute", "timeAdded": rfc3339(NOW)}


@pytest.mark.parametrize(
    ("tolerations", "expected"),
    [
        ([], NOW + 1),
        ([{"key": "k", "operator": "Exists"}], None),
        ([{"key": "k", "operator": "Exists", "tolerationSeconds": 300}], NOW + 300),
        ([{"key": "k", "operator": "Exists", "tolerationSeconds": 0}], NOW),
        ([{"key": "k", "operator": "Exists", "effect": "NoSchedule"}], NOW + 1),
    ],
)
def test_a_pod_leaves_when_its_toleration_has_run_out(tolerations: Any, expected: float | None) -> None:
    made = pod("p")
    made["spec"]["tolerations"] = tolerations
    assert leaves_at(made, node("n1", taints=[NO_EXECUTE]), NOW + 1) == expected


def state(client: FakeClient, name: str) -> Object:
    found = client.peek(NODES, name)
    assert found is not None
    return found


def test_a_node_that_stops_renewing_becomes_unknown_tainted_and_its_pods_unready() -> None:
    in_virtual_time(_one_of_two_nodes_falls_silent())


async def _one_of_two_nodes_falls_silent() -> None:
    loop = asyncio.get_running_loop()
    client = FakeClient(node("n1"), node("n2"), lease("n1", NOW), lease("n2", NOW), pod("web", node="n1"))
    async with running(client, (NodeLifecycleController,), lambda: NOW + loop.time(), node_monitor_grace_period=40.0):
        await until(lambda: client.watching == 3)
        await asyncio.sleep(30)
        client.put(lease("n2", NOW + 1))
        await asyncio.sleep(11)
        await until(lambda: condition(state(client, "n1"), "Ready")["status"] == "Unknown")  # type: ignore[index]
        await until(lambda: ("unreachable", "NoExecute") in keys(state(client, "n1")["spec"].get("taints", [])))

        def web_ready() -> str:
            found = client.peek(PODS, "web", "demo")
            return str((condition(found or {}, "Ready") or {}).get("status"))

        await until(lambda: web_ready() == "False")
        client.put(node("n1", at=NOW + 60, taints=state(client, "n1")["spec"]["taints"]))
        await until(lambda: not state(client, "n1")["spec"].get("taints"))
        assert not state(client, "n2")["spec"].get("taints")


async def test_when_no_node_is_ready_no_pod_is_evicted() -> None:
    client = FakeClient(node("n1", ready="Unknown"), node("n2", ready="Unknown"))
    async with running(client, (NodeLifecycleController,)):
        await until(lambda: all(state(client, n)["spec"].get("taints") for n in ("n1", "n2")))
        assert {k for n in ("n1", "n2") for k in keys(state(client, n)["spec"]["taints"])} == {
            ("unreachable", "NoSchedule")
        }
        client.put(node("n2", at=NOW + 1))
        await until(lambda: ("unreachable", "NoExecute") in keys(state(client, "n1")["spec"]["taints"]))


async def test_a_pod_that_does_not_tolerate_a_new_taint_is_deleted_and_told_why() -> None:
    client = FakeClient(node("n1"), pod("web", node="n1"), pod("elsewhere", node="n2"))
    async with running(client, (TaintEvictionController,)):
        await until(lambda: client.watching == 2)
        client.put(node("n1", taints=[NO_EXECUTE]))
        await until(lambda: (client.peek(PODS, "web", "demo") or {})["metadata"].get("deletionTimestamp"))
    web = client.peek(PODS, "web", "demo") or {}
    assert (condition(web, "DisruptionTarget") or {})["reason"] == "DeletionByTaintManager"
    assert "deletionTimestamp" not in (client.peek(PODS, "elsewhere", "demo") or {})["metadata"]


async def test_pods_of_a_node_that_is_gone_are_removed_after_the_quarantine() -> None:
    client = FakeClient(node("n1"), pod("web", node="n1"), pod("lost", node="n2"))
    async with running(client, (PodGCController,), quarantine=0.03):
        await until(lambda: names(client, PODS) == {"web"})
        client.remove(NODES, "n1")
        await until(lambda: not everything(client, PODS))


def test_a_deleted_pod_without_a_node_is_abandoned() -> None:
    deleted = pod("p", node="", deletionTimestamp=rfc3339(NOW))
    assert abandoned(deleted, None)
    assert not abandoned(pod("p", node=""), None)
    placed = pod("p", deletionTimestamp=rfc3339(NOW))
    assert not abandoned(placed, node("n1", ready="False"))
    out = {"key": "node.kubernetes.io/out-of-service", "effect": "NoExecute"}
    assert abandoned(placed, node("n1", ready="False", taints=[out]))


def test_the_oldest_finished_pods_go_evicted_ones_first() -> None:
    old = pod("old", phase="Failed", creationTimestamp=rfc3339(NOW - 50))
    new = pod("new", phase="Succeeded", creationTimestamp=rfc3339(NOW))
    evicted = pod("evicted", phase="Failed", creationTimestamp=rfc3339(NOW))
    evicted["status"]["reason"] = "Evicted"
    assert oldest_finished([new, old, evicted], 1) == [evicted, old]
    assert oldest_finished([new], 1) == []
