"""Who has to go so that a more important pod fits."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.scheduler.builders import node, pod, snapshot, taint
from wherry.objects import Object
from wherry.scheduler.decide import Chosen, Unschedulable, decide
from wherry.scheduler.pod import Pod
from wherry.scheduler.preempt import NEVER, TERMINATING, Preemption, preempt
from wherry.scheduler.snapshot import Snapshot


def on(where: str, name: str, *, priority: int = 0, cpu: str = "1", started: str = "10:00:00", **more: Any) -> Object:
    made = pod(name, cpu=cpu, priority=priority, nodeName=where, **more)
    made["status"]["startTime"] = f"2026-01-01T{started}Z"
    return made


def budget(allowed: int, selector: Object, name: str = "b", ns: str = "demo") -> Object:
    return {
        "metadata": {"name": name, "namespace": ns},
        "spec": {"selector": {"matchLabels": selector}},
        "status": {"disruptionsAllowed": allowed},
    }


def important(cpu: str = "1", **spec: Any) -> Pod:
    return Pod(pod("important", cpu=cpu, **({"priority": 100} | spec)))


def attempt(wanted: Pod, world: Snapshot) -> Preemption | str:
    """Return what comes of a pod that finds no node; whatever that is, the snapshot is as before."""
    refused = decide(wanted, world, Random(1))
    assert isinstance(refused, Unschedulable)
    before = {name: (sorted(n.pods), dict(n.requested), dict(n.ports)) for name, n in world.nodes.items()}
    found = preempt(wanted, refused, world, Random(1))
    assert {name: (sorted(n.pods), dict(n.requested), dict(n.ports)) for name, n in world.nodes.items()} == before
    return found


def victims(wanted: Pod, *objects: Object, budgets: tuple[Object, ...] = ()) -> tuple[str, list[str]] | str:
    world = snapshot(*objects)
    world.budgets = {(b["metadata"]["namespace"], b["metadata"]["name"]): b for b in budgets}
    found = attempt(wanted, world)
    return found if isinstance(found, str) else (found.node, [victim.key[1] for victim in found.victims])


FULL = node("n1", cpu="2")


def test_the_least_important_go_and_no_more_than_must() -> None:
    assert victims(important(), FULL, on("n1", "a", priority=5), on("n1", "b", priority=3)) == ("n1", ["b"])
    assert victims(important("2"), FULL, on("n1", "a", priority=5), on("n1", "b", priority=3)) == ("n1", ["a", "b"])


def test_of_equals_who_began_last_goes() -> None:
    assert victims(important(), FULL, on("n1", "old", started="09:00:00"), on("n1", "new")) == ("n1", ["new"])


def test_nobody_goes_for_an_equal_or_where_it_would_not_help() -> None:
    equals = [on("n1", "a", priority=100), on("n1", "b", priority=200)]
    none = "0/1 nodes are available: 1 No preemption victims found for incoming pod."
    assert victims(important(), FULL, *equals) == none
    assert victims(important("3"), FULL, on("n1", "a"), on("n1", "b")) == none
    tainted = node("n2", taints=[taint("a")])
    assert victims(important(), FULL, tainted, *equals, on("n2", "c")) == (
        "0/2 nodes are available: 1 No preemption victims found for incoming pod, "
        "1 Preemption is not helpful for scheduling."
    )


def test_a_pod_that_never_preempts_says_so() -> None:
    assert victims(important(preemptionPolicy="Never"), FULL, on("n1", "a"), on("n1", "b")) == NEVER


def test_host_ports_are_made_free() -> None:
    ports = {"containers": [{"name": "c", "ports": [{"containerPort": 80, "hostPort": 80, "protocol": "TCP"}]}]}
    holder = pod("holder", nodeName="n1") | {"spec": {**ports, "nodeName": "n1"}}
    wanted = Pod(pod("important") | {"spec": {**ports, "priority": 1}})
    assert victims(wanted, FULL, holder, on("n1", "bystander")) == ("n1", ["holder"])


def test_anti_affinity_makes_room_by_its_own_rule() -> None:
    away = {"labelSelector": {"matchLabels": {"app": "loud"}}, "topologyKey": "kubernetes.io/hostname"}
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [away]}}
    loud = on("n1", "loud", cpu="", labels={"app": "loud"})
    assert victims(important("", affinity=affinity), FULL, loud, on("n1", "quiet")) == ("n1", ["loud"])


def test_a_budget_keeps_its_pods_while_others_will_do() -> None:
    pods = [on("n1", "kept", labels={"app": "kept"}, started="11:00:00"), on("n1", "other")]
    assert victims(important(), FULL, *pods) == ("n1", ["kept"])
    assert victims(important(), FULL, *pods, budgets=(budget(0, {"app": "kept"}),)) == ("n1", ["other"])
    assert victims(important(), FULL, *pods, budgets=(budget(1, {"app": "kept"}),)) == ("n1", ["kept"])
    assert victims(important("2"), FULL, *pods, budgets=(budget(0, {"app": "kept"}),)) == ("n1", ["other", "kept"])
    assert victims(important(), FULL, *pods, budgets=(budget(0, {"app": "kept"}, ns="other"),)) == ("n1", ["kept"])


def test_the_node_with_the_least_harm_is_taken() -> None:
    two = [node("n1", cpu="2"), node("n2", cpu="2")]
    kept = {"app": "kept"}
    assert victims(
        important("2"),
        *two,
        on("n1", "a", cpu="2", labels=kept),
        on("n2", "b", cpu="2", priority=9),
        budgets=(budget(0, kept),),
    ) == ("n2", ["b"])  # no budget is broken
    assert victims(important("2"), *two, on("n1", "a", cpu="2", priority=9), on("n2", "b", cpu="2", priority=8)) == (
        "n2",
        ["b"],
    )  # the highest is lower
    assert victims(
        important("2"), *two, on("n1", "a", priority=9), on("n1", "b"), on("n2", "c", cpu="2", priority=9)
    ) == ("n2", ["c"])  # fewer
    assert victims(important("2"), *two, on("n1", "a", cpu="2"), on("n2", "b", cpu="2", started="10:00:01")) == (
        "n2",
        ["b"],
    )  # who began later


def test_room_that_is_being_made_for_somebody_is_not_taken_by_others() -> None:
    world = snapshot(FULL, on("n1", "a"))
    wanted = important("2")
    world.nominate(wanted, "n1")
    world.remove_pod("uid-a")
    assert isinstance(decide(Pod(pod("small", cpu="1")), world, Random(1)), Unschedulable)
    assert isinstance(decide(Pod(pod("higher", cpu="1", priority=101)), world, Random(1)), Chosen)
    assert decide(wanted, world, Random(1)) == Chosen("n1")
    world.denominate(wanted.uid)
    assert isinstance(decide(Pod(pod("small", cpu="1")), world, Random(1)), Chosen)


def test_two_that_need_room_do_not_get_the_same() -> None:
    world = snapshot(node("n1", cpu="2"), node("n2", cpu="2"), on("n1", "a", cpu="2"), on("n2", "b", cpu="2"))
    first = attempt(important("2"), world)
    assert isinstance(first, Preemption)
    world.nominate(important("2"), first.node)
    second = attempt(Pod(pod("second", cpu="2", priority=100)), world)
    assert isinstance(second, Preemption)
    assert {first.node, second.node} == {"n1", "n2"}


def test_who_waits_for_pods_that_are_going_drives_out_no_more() -> None:
    going = on("n1", "a", cpu="2")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T10:00:00Z"
    wanted = important("2")
    wanted.obj["status"]["nominatedNodeName"] = "n1"
    assert victims(wanted, FULL, node("n2", cpu="2"), going, on("n2", "b", cpu="2")) == TERMINATING


def test_a_pod_that_is_only_assumed_to_be_there_stays() -> None:
    world = snapshot(FULL)
    world.assume(Pod(pod("a", cpu="2")), "n1")
    assert attempt(important("2"), world) == (
        "0/1 nodes are available: 1 No preemption victims found for incoming pod."
    )
    assert world.assumes("uid-a")
