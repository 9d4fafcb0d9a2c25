"""The incremental snapshot against one made from scratch, and the sums read from a pod."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scheduler.builders import node, pod, snapshot
from wherry.objects import Object
from wherry.objects.meaning.requests import requests
from wherry.scheduler.pod import Pod
from wherry.scheduler.snapshot import Snapshot

ANTI = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "x"}]}}


def placed(number: int, where: str, cpu: str, port: int, picky: bool) -> Object:
    ports = [{"containerPort": port, "hostPort": port}]
    made = pod(f"p{number}", owner=f"rs{number % 2}", nodeName=where, affinity=ANTI if picky else {})
    made["spec"]["containers"] = [{"name": "c", "resources": {"requests": {"cpu": cpu}}, "ports": ports}]
    return made


changes = st.lists(
    st.one_of(
        st.tuples(st.just("node"), st.integers(0, 2), st.sampled_from(["2", "4"])),
        st.tuples(st.just("no node"), st.integers(0, 2)),
        st.tuples(
            st.just("pod"),
            st.integers(0, 4),
            st.integers(0, 2),
            st.sampled_from(["100m", "1"]),
            st.sampled_from([80, 443]),
            st.booleans(),
        ),
        st.tuples(st.just("assume"), st.integers(0, 4), st.integers(0, 2)),
        st.tuples(st.just("forget"), st.integers(0, 4)),
        st.tuples(st.just("no pod"), st.integers(0, 4)),
    ),
    max_size=40,
)


def seen(world: Snapshot) -> Any:
    return (
        {
            n.name: (n.object, n.allocatable, sorted(n.pods), +n.requested, n.weight, +n.ports, +n.owners)
            for n in world.nodes.values()
        },
        sorted(world.repelling),
        sorted(world.attracting),
    )


@settings(max_examples=150)
@given(changes)
def test_any_course_of_changes_ends_in_the_snapshot_of_what_is_there(steps: list[Any]) -> None:
    world = Snapshot()
    nodes: dict[str, Object] = {}
    pods: dict[str, Object] = {}
    assumed: set[str] = set()
    for step, number, *rest in steps:
        uid = f"uid-p{number}"
        if step == "node":
            nodes[f"n{number}"] = node(f"n{number}", cpu=rest[0])
            world.set_node(nodes[f"n{number}"])
        elif step == "no node":
            nodes.pop(f"n{number}", None)
            world.remove_node(f"n{number}")
        elif step == "pod":
            where, cpu, port, picky = rest
            pods[uid] = placed(number, f"n{where}", cpu, port, picky)
            assumed.discard(uid)
            world.set_pod(Pod(pods[uid]))
        elif step == "assume" and uid not in pods:
            made = placed(number, f"n{rest[0]}", "1", 80, False)
            pods[uid] = made
            assumed.add(uid)
            world.assume(Pod(made), f"n{rest[0]}")
        elif step == "forget":
            if uid in assumed:
                assumed.discard(uid)
                del pods[uid]
            world.forget(uid)
        elif step == "no pod":
            pods.pop(uid, None)
            assumed.discard(uid)
            world.remove_pod(uid)
    assert seen(world) == seen(snapshot(*nodes.values(), *pods.values()))


def container(cpu: str, **more: Any) -> Object:
    return {"name": "c", "resources": {"requests": {"cpu": cpu}}} | more


@pytest.mark.parametrize(
    ("spec", "millicores"),
    [
        ({"containers": [container("100m"), container("250m")]}, 350),
        ({"initContainers": [container("1")], "containers": [container("100m")]}, 1000),
        ({"initContainers": [container("1", restartPolicy="Always")], "containers": [container("100m")]}, 1100),
        (
            {
                "initContainers": [container("1", restartPolicy="Always"), container("2")],
                "containers": [container("100m")],
            },
            3000,
        ),
        ({"containers": [container("100m")], "overhead": {"cpu": "50m"}}, 150),
        ({"containers": [container("100m")], "resources": {"requests": {"cpu": "2"}}}, 2000),
        ({"containers": [{"name": "c"}]}, 0),
    ],
)
def test_a_pod_asks_for_its_hungriest_moment(spec: Object, millicores: int) -> None:
    assert requests({"spec": spec}).get("cpu", 0) == millicores
