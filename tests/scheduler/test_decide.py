"""The decision for one pod: where it may go, where it should, and the words when it cannot."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tests.scheduler.builders import node, pod, snapshot, taint
from wherry.objects import Object
from wherry.scheduler.decide import Chosen, Unschedulable, decide, enough
from wherry.scheduler.pod import Pod

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def place(new: Object, *world: Object) -> str:
    """Return the node chosen, or the message."""
    decision = decide(Pod(new), snapshot(*world), Random(0))
    return decision.node if isinstance(decision, Chosen) else decision.message


def test_without_nodes_the_message_says_so() -> None:
    assert place(pod("a")) == "no nodes available to schedule pods"


def test_the_message_counts_the_nodes_per_reason_in_upstreams_words() -> None:
    world = [
        node("m", taints=[taint("node-role.kubernetes.io/master")]),
        node("s1"),
        node("s2"),
    ]
    assert place(pod("a", nodeSelector={"ingress": "true"}), *world) == (
        "0/3 nodes are available: 1 node(s) had untolerated taint(s), "
        "2 node(s) didn't match Pod's node affinity/selector."
    )


def test_a_node_may_lack_several_things_at_once() -> None:
    big = pod("a", containers=[{"name": "c", "resources": {"requests": {"cpu": "8", "memory": "80Gi"}}}])
    assert place(big, node("n")) == "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory."


def term(key: str, operator: str, *values: str) -> Object:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


def node_affinity(*terms: Object) -> Object:
    return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": list(terms)}}}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"nodeSelector": {"disk": "ssd"}}, "s2"),
        ({"affinity": node_affinity(term("disk", "In", "ssd", "nvme"))}, "s2"),
        ({"affinity": node_affinity(term("disk", "NotIn", "ssd"), term("none", "Exists"))}, "s1"),
        ({"affinity": node_affinity(term("disk", "DoesNotExist"))}, "s1"),
        ({"affinity": node_affinity(term("cores", "Gt", "7"))}, "s2"),
        ({"affinity": node_affinity(term("cores", "Lt", "7"))}, "s1"),
        (
            {
                "affinity": node_affinity(
                    {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["s1"]}]}
                )
            },
            "s1",
        ),
        ({"affinity": {"nodeAffinity": {PREFERRED: [{"weight": 5, "preference": term("disk", "Exists")}]}}}, "s2"),
    ],
)
def test_node_selectors_and_affinity_choose_the_node(spec: Any, expected: str) -> None:
    world = [node("s1", labels={"cores": "4"}), node("s2", labels={"disk": "ssd", "cores": "8"})]
    assert place(pod("a", **spec), *world) == expected


def test_tolerations_open_tainted_nodes_and_soft_taints_only_discourage() -> None:
    smoke = node("n", taints=[taint("smoke", "true")])
    soft = node("soft", taints=[taint("x", effect="PreferNoSchedule")])
    tolerant = pod("a", tolerations=[{"key": "smoke", "operator": "Equal", "value": "true", "effect": "NoSchedule"}])
    wrong = pod("a", tolerations=[{"key": "smoke", "operator": "Equal", "value": "no", "effect": "NoSchedule"}])
    assert place(tolerant, smoke) == "n"
    assert "untolerated taint" in place(wrong, smoke)
    assert place(wrong, smoke, soft) == "soft"
    assert place(pod("a"), soft, node("plain")) == "plain"


def test_a_cordoned_node_takes_only_pods_that_tolerate_it() -> None:
    cordoned = node("n", unschedulable=True)
    assert place(pod("a"), cordoned) == "0/1 nodes are available: 1 node(s) were unschedulable."
    tolerant = pod("a", tolerations=[{"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}])
    assert place(tolerant, cordoned) == "n"


def with_port(name: str, number: int, address: str = "", **more: Any) -> Object:
    port = {"containerPort": number, "hostPort": number, "protocol": "TCP"} | ({"hostIP": address} if address else {})
    return pod(name, containers=[{"name": "c", "ports": [port]}], **more)


@pytest.mark.parametrize(
    ("taken", "wanted", "clash"),
    [("", "", True), ("10.0.0.1", "", True), ("", "10.0.0.1", True), ("10.0.0.1", "10.0.0.2", False)],
)
def test_a_host_port_is_taken_once_per_address(taken: str, wanted: str, clash: bool) -> None:
    world = [node("n"), with_port("old", 80, taken, nodeName="n")]
    answer = place(with_port("new", 80, wanted), *world)
    assert answer == (
        "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports." if clash else "n"
    )


def test_a_host_port_is_taken_once_per_protocol() -> None:
    udp = with_port("old", 53, nodeName="n")
    udp["spec"]["containers"][0]["ports"][0]["protocol"] = "UDP"
    assert place(with_port("new", 53), node("n"), udp) == "n"


def test_requests_of_running_pods_leave_less_room() -> None:
    world = [node("n", cpu="2"), pod("old", cpu="1500m", nodeName="n")]
    assert place(pod("a", cpu="500m"), *world) == "n"
    assert place(pod("a", cpu="501m"), *world) == "0/1 nodes are available: 1 Insufficient cpu."


def test_replicas_of_one_controller_land_on_different_nodes() -> None:
    world = [node("n1"), node("n2"), node("n3")]
    for i in range(3):
        chosen = place(pod(f"p{i}", owner="rs", cpu="10m"), *world)
        world.append(pod(f"p{i}", owner="rs", cpu="10m", nodeName=chosen))
    assert {p["spec"]["nodeName"] for p in world if p["kind"] == "Pod"} == {"n1", "n2", "n3"}


def test_the_emptier_node_is_preferred() -> None:
    world = [node("n1"), node("n2"), pod("old", cpu="3", nodeName="n1")]
    assert place(pod("a"), *world) == "n2"


def pod_affinity(kind: str, selector: Object, key: str = "kubernetes.io/hostname", **more: Any) -> Object:
    return {kind: {REQUIRED: [{"labelSelector": {"matchLabels": selector}, "topologyKey": key} | more]}}


def test_pod_affinity_follows_and_anti_affinity_avoids_within_the_topology() -> None:
    world = [
        node("a1", labels={"zone": "a"}),
        node("b1", labels={"zone": "b"}),
        pod("db", labels={"app": "db"}, nodeName="b1"),
    ]
    near = pod("near", affinity=pod_affinity("podAffinity", {"app": "db"}, "zone"))
    far = pod("far", affinity=pod_affinity("podAntiAffinity", {"app": "db"}, "zone"))
    assert place(near, *world) == "b1"
    assert place(far, *world) == "a1"
    assert place(near, world[0]) == "0/1 nodes are available: 1 node(s) didn't match pod affinity rules."
    assert place(far, *world[1:]) == "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules."


def test_the_first_pod_of_a_group_that_wants_to_be_together_may_start_anywhere() -> None:
    selfish = pod("a", labels={"app": "x"}, affinity=pod_affinity("podAffinity", {"app": "x"}))
    assert place(selfish, node("n")) == "n"


def test_a_running_pods_anti_affinity_keeps_others_away() -> None:
    loner = pod("loner", nodeName="n1", affinity=pod_affinity("podAntiAffinity", {"app": "web"}))
    assert place(pod("a", labels={"app": "web"}), node("n1"), loner) == (
        "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules."
    )
    assert place(pod("a", labels={"app": "web"}, ns="other"), node("n1"), loner) == "n1"


def constraint(skew: int, when: str, key: str = "zone") -> Object:
    return {
        "maxSkew": skew,
        "topologyKey": key,
        "whenUnsatisfiable": when,
        "labelSelector": {"matchLabels": {"app": "web"}},
    }


def test_a_hard_topology_spread_refuses_the_crowded_domain() -> None:
    web = {"app": "web"}
    world = [node("a1", labels={"zone": "a"}), node("b1", labels={"zone": "b"}, cpu="100m"), node("none")]
    world += [pod("w1", labels=web, nodeName="a1")]
    spec = {"topologySpreadConstraints": [constraint(1, "DoNotSchedule")]}
    assert place(pod("w2", labels=web, **spec), *world) == "b1"
    assert place(pod("w2", labels=web, cpu="1", **spec), *world) == (
        "0/3 nodes are available: 1 Insufficient cpu, "
        "1 node(s) didn't match pod topology spread constraints, "
        "1 node(s) didn't match pod topology spread constraints (missing required label)."
    )


def test_large_clusters_are_sampled() -> None:
    assert enough(3) == 3
    assert enough(1000) == 420
    assert enough(50_000) == 2500


def test_the_filters_that_refused_are_named_for_the_queue() -> None:
    decision = decide(Pod(pod("a", cpu="64")), snapshot(node("n")), Random(0))
    resources = "NodeResourcesFit"
    assert decision == Unschedulable(
        "0/1 nodes are available: 1 Insufficient cpu.", frozenset({resources}), {"n": resources}
    )
