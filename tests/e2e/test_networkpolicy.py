"""NetworkPolicies as upstream tests them (kubernetes test/e2e/network/netpol/network_policy.go), case by case.

Nine pods on two nodes: x/a is who is protected, unless a test says otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Cluster, cluster, eventually

from tests.e2e.policyworld import World, pods, policy, spaces

pytestmark = pytest.mark.e2e

BIND = "127.0.0.135"


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("policies")
    image_map = str(Path(__file__).with_name("image-map.yaml"))
    with cluster("policies", BIND, home, "--nodes", "3", "--addons", "dns", "--image-map", image_map) as made:
        yield made


@pytest.fixture(scope="module")
def whole(k8s: Cluster) -> World:
    return World(k8s)


@pytest.fixture
def world(whole: World) -> Iterator[World]:
    yield whole
    whole.clear()


def space(pod: str) -> str:
    return pod.split("/")[0]


def into_a(*allowed: str) -> object:
    """Denied: what is not among the allowed (pods, or whole namespaces) to x/a."""

    def denied(client: str, server: str) -> bool:
        return server == "x/a" and client not in allowed and space(client) not in allowed

    return denied


def test_default_deny_ingress(world: World) -> None:
    world.expect(lambda c, s: False)
    world.apply(policy("x", "deny", ingress=[]))
    world.expect(lambda c, s: space(s) == "x")
    world.expect(lambda c, s: space(s) == "x", protocol="UDP")
    world.delete("x", "deny")
    world.expect(lambda c, s: False)


def test_default_deny_all(world: World) -> None:
    world.apply(policy("x", "deny", ingress=[], egress=[]))
    world.expect(lambda c, s: "x" in (space(c), space(s)))


def test_traffic_from_pods_of_its_namespace_by_pod_selector(world: World) -> None:
    world.apply(policy("x", "allow", pods("a"), ingress=[{"from": [{"podSelector": pods("b")}]}]))
    world.expect(into_a("x/b"))
    world.expect(into_a("x/b"), protocol="UDP")


def test_traffic_from_pods_of_all_namespaces(world: World) -> None:
    world.apply(policy("x", "allow", pods("a"), ingress=[{"from": [{"namespaceSelector": {}}]}]))
    world.expect(lambda c, s: False)


def test_traffic_from_another_namespace(world: World) -> None:
    world.apply(policy("x", "allow", pods("a"), ingress=[{"from": [{"namespaceSelector": spaces("y")}]}]))
    world.expect(into_a("y"))


def test_the_label_that_every_namespace_has(world: World) -> None:
    whom = {"matchLabels": {"kubernetes.io/metadata.name": "y"}}
    world.apply(policy("x", "allow", pods("a"), ingress=[{"from": [{"namespaceSelector": whom}]}]))
    world.expect(into_a("y"))


def test_match_expressions(world: World) -> None:
    others = {"matchExpressions": [{"key": "ns", "operator": "NotIn", "values": ["x"]}]}
    world.apply(
        policy("x", "pods", pods("a"), ingress=[{"from": [{"podSelector": pods("b", "none")}]}]),
        policy("x", "spaces", pods("a"), ingress=[{"from": [{"namespaceSelector": others, "podSelector": pods("c")}]}]),
    )
    world.expect(into_a("x/b", "y/c", "z/c"))


def test_pod_selector_or_namespace_selector(world: World) -> None:
    whom = [{"podSelector": pods("b")}, {"namespaceSelector": spaces("y")}]
    world.apply(policy("x", "allow", pods("a"), ingress=[{"from": whom}]))
    world.expect(into_a("x/b", "y"))


def test_pod_selector_and_namespace_selector(world: World) -> None:
    whom = [{"podSelector": pods("b"), "namespaceSelector": spaces("y")}]
    world.apply(policy("x", "allow", pods("a"), ingress=[{"from": whom}]))
    world.expect(into_a("y/b"))


def test_multiple_pod_and_namespace_selectors(world: World) -> None:
    whom = [
        {"podSelector": pods("b", "c"), "namespaceSelector": spaces("y")},
        {"podSelector": pods("a"), "namespaceSelector": spaces("z")},
    ]
    world.apply(policy("x", "allow", pods("a"), ingress=[{"from": whom}]))
    world.expect(into_a("y/b", "y/c", "z/a"))


def test_ports(world: World) -> None:
    rule = {"from": [{"namespaceSelector": spaces("y")}], "ports": [{"port": 81}]}
    world.apply(policy("x", "allow", pods("a"), ingress=[rule]))
    world.expect(into_a("y"), port=81)
    world.expect(into_a(), port=80)
    world.expect(into_a(), port=81, protocol="UDP")


def test_port_ranges(world: World) -> None:
    world.apply(policy("x", "allow", pods("a"), ingress=[{"ports": [{"port": 81, "endPort": 90}]}]))
    world.expect(lambda c, s: False, port=81)
    world.expect(into_a(), port=80)


def test_any_port_of_a_protocol(world: World) -> None:
    world.apply(policy("x", "allow", pods("a"), ingress=[{"ports": [{"protocol": "UDP"}]}]))
    world.expect(lambda c, s: False, port=80, protocol="UDP")
    world.expect(lambda c, s: False, port=81, protocol="UDP")
    world.expect(into_a(), port=80)


def test_egress_to_a_range_of_ports_and_to_all(world: World) -> None:
    world.apply(policy("x", "range", pods("a"), egress=[{"ports": [{"port": 70, "endPort": 80}]}]))
    world.expect(lambda c, s: False, port=80)
    world.expect(lambda c, s: c == "x/a", port=81)
    world.apply(policy("x", "all", egress=[{}]))
    world.expect(lambda c, s: False, port=81)


def test_stacked_policies(world: World) -> None:
    def rule(port: int, *of: str) -> object:
        return {"from": [{"namespaceSelector": spaces(*of)}], "ports": [{"port": port}]}

    world.apply(
        policy("x", "one", pods("a"), ingress=[rule(80, "y")]),
        policy("x", "two", pods("a", "b"), ingress=[rule(80, "z"), rule(81, "y")]),
    )
    world.expect(lambda c, s: (s == "x/a" and space(c) not in ("y", "z")) or (s == "x/b" and space(c) != "z"), port=80)
    world.expect(lambda c, s: s in ("x/a", "x/b") and space(c) != "y", port=81)


def test_allow_all_supersedes(world: World) -> None:
    world.apply(policy("x", "deny", ingress=[]), policy("x", "allow", ingress=[{}]))
    world.expect(lambda c, s: False)


def test_named_ports(world: World) -> None:
    world.apply(policy("x", "allow", pods("a"), ingress=[{"ports": [{"port": "serve-81-tcp"}]}]))
    world.expect(lambda c, s: False, port=81)
    world.expect(into_a(), port=80)
    world.expect(into_a(), port=81, protocol="UDP")


def test_named_ports_from_a_namespace(world: World) -> None:
    rule = {"from": [{"namespaceSelector": spaces("x")}], "ports": [{"port": "serve-80-tcp"}]}
    world.apply(policy("x", "allow", pods("a"), ingress=[rule]))
    world.expect(into_a("x"), port=80)
    world.expect(into_a(), port=81)


def test_egress_to_named_ports(world: World) -> None:
    world.apply(policy("x", "allow", pods("a"), egress=[{"ports": [{"port": "serve-80-udp", "protocol": "UDP"}]}]))
    world.expect(lambda c, s: False, port=80, protocol="UDP")
    world.expect(lambda c, s: c == "x/a", port=80)
    world.expect(lambda c, s: c == "x/a", port=81, protocol="UDP")


def test_a_policy_that_is_updated(world: World) -> None:
    world.apply(policy("x", "it", ingress=[{}]))
    world.expect(lambda c, s: False)
    world.apply(policy("x", "it", ingress=[{"ports": [{"port": 81}]}]))
    world.expect(lambda c, s: space(s) == "x")
    world.apply(policy("x", "it", pods("a"), ingress=[{"ports": [{"port": 81}]}]))
    world.expect(into_a())


def test_a_namespace_that_is_updated(world: World) -> None:
    whom = {"matchLabels": {"changed": "yes"}}
    world.apply(policy("x", "allow", pods("a"), ingress=[{"from": [{"namespaceSelector": whom}]}]))
    world.expect(into_a())
    world.label("y", "changed=yes")
    world.expect(into_a("y"))
    world.label("y", "changed-")
    world.expect(into_a())


def test_a_pod_that_is_updated(world: World) -> None:
    whom = {"podSelector": {"matchLabels": {"changed": "yes"}}, "namespaceSelector": {}}
    world.apply(policy("x", "allow", pods("a"), ingress=[{"from": [whom]}]))
    world.expect(into_a())
    world.label("z/b", "changed=yes")
    world.expect(into_a("z/b"))
    world.label("z/b", "changed=no")
    world.expect(into_a())


def test_a_pod_that_comes_to_be_selected(world: World) -> None:
    world.apply(policy("x", "deny", {"matchLabels": {"changed": "yes"}}, ingress=[]))
    world.expect(lambda c, s: False)
    world.label("x/a", "changed=yes")
    world.expect(into_a())


def test_ingress_from_other_namespaces_is_denied(world: World) -> None:
    world.apply(policy("x", "own", ingress=[{"from": [{"podSelector": {}}]}]))
    world.expect(lambda c, s: space(s) == "x" and space(c) != "x")


def test_egress_by_pod_selector_and_namespace(world: World) -> None:
    world.apply(policy("x", "a", pods("a"), egress=[]), policy("y", "all", egress=[]))
    world.expect(lambda c, s: c == "x/a" or space(c) == "y")
    world.expect(lambda c, s: c == "x/a" or space(c) == "y", protocol="UDP")


def test_egress_to_pods_of_a_namespace(world: World) -> None:
    whom = [{"namespaceSelector": spaces("y"), "podSelector": pods("a", "b")}]
    world.apply(policy("x", "allow", pods("a"), egress=[{"to": whom}]))
    world.expect(lambda c, s: c == "x/a" and s not in ("y/a", "y/b"))


def test_ingress_and_egress_together(world: World) -> None:
    both = {"ingress": [{"from": [{"namespaceSelector": spaces("y")}]}], "egress": [{"ports": [{"port": 80}]}]}
    world.apply(policy("x", "both", pods("a"), **both))
    world.expect(into_a("y"), port=80)
    world.expect(lambda c, s: (s == "x/a" and space(c) != "y") or c == "x/a", port=81)


def test_egress_to_a_network(world: World) -> None:
    there = f"{world.addresses['y/b']}/32"
    world.apply(policy("x", "allow", pods("a"), egress=[{"to": [{"ipBlock": {"cidr": there}}]}]))
    world.expect(lambda c, s: c == "x/a" and s != "y/b")


def test_what_is_excepted_from_a_network(world: World) -> None:
    block = {"cidr": "10.244.0.0/16", "except": [f"{world.addresses['y/b']}/32", f"{world.addresses['z/c']}/32"]}
    world.apply(policy("x", "allow", pods("a"), egress=[{"to": [{"ipBlock": block}]}]))
    world.expect(lambda c, s: c == "x/a" and s in ("y/b", "z/c"))
    again = {"ipBlock": {"cidr": f"{world.addresses['y/b']}/32"}}
    world.apply(policy("x", "allow", pods("a"), egress=[{"to": [{"ipBlock": block}, again]}]))
    world.expect(lambda c, s: (c, s) == ("x/a", "z/c"))


def test_ingress_from_a_network(world: World) -> None:
    block = {"cidr": "10.244.0.0/16", "except": [f"{world.addresses['y/b']}/32"]}
    world.apply(policy("x", "allow", pods("a"), ingress=[{"from": [{"ipBlock": block}]}]))
    world.expect(lambda c, s: (c, s) == ("y/b", "x/a"))


def test_ingress_and_egress_are_controlled_independently(world: World) -> None:
    world.apply(policy("x", "in", pods("a"), ingress=[]))
    world.expect(into_a())
    world.apply(policy("x", "out", pods("a"), egress=[]))
    world.delete("x", "in")
    world.expect(lambda c, s: c == "x/a")


def test_egress_denied_by_the_client_although_the_server_allows(world: World) -> None:
    world.apply(policy("x", "out", pods("a"), egress=[]), policy("y", "in", ingress=[{}]))
    world.expect(lambda c, s: c == "x/a")


def test_one_protocol_is_not_another(world: World) -> None:
    world.apply(policy("x", "udp", pods("a"), ingress=[{"ports": [{"port": 80, "protocol": "UDP"}]}]))
    world.expect(lambda c, s: False, protocol="UDP")
    world.expect(into_a())
    world.apply(policy("x", "udp", pods("a"), ingress=[{"ports": [{"port": 80, "protocol": "SCTP"}]}]))
    world.expect(into_a())
    world.expect(into_a(), protocol="UDP")


def test_traffic_through_a_service_is_judged_by_its_pods(world: World) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": "x", "name": "a"},
        "spec": {"selector": {"pod": "a"}, "ports": [{"port": 8080, "targetPort": 80}]},
    }
    world.k8s.kubectl("apply -f -", stdin=json.dumps(service))
    address = world.k8s.kubectl("-n x get service a -o jsonpath={.spec.clusterIP}")
    world.apply(
        policy("x", "allow", pods("a"), ingress=[{"from": [{"podSelector": pods("b")}], "ports": [{"port": 80}]}])
    )
    world.expect(into_a("x/b"))

    def through() -> bool:
        found = {c for node in world.nodes for c, [said] in world.ask(node, [[address, 8080, "TCP"]]).items() if said}
        return found == {"x/a", "x/b"}

    eventually("the Service as the policy says", through)


def test_probes_and_what_the_node_asks_pass(world: World) -> None:
    """The readiness probes of all pods go on: they come from the node."""
    world.apply(*(policy(each, "deny", ingress=[], egress=[]) for each in "xyz"))
    world.expect(lambda c, s: True)
    world.k8s.kubectl("-n x wait --for=condition=Ready pod --all --timeout=60s")
    ready = world.k8s.kubectl("get pod -A -l pod -o jsonpath={.items[*].status.containerStatuses[0].ready}")
    assert set(ready.split()) == {"true"}


def test_a_new_pod_is_fenced_from_its_first_packet_on(world: World) -> None:
    """It asks as soon as it runs, and at that time no API knows its address."""
    world.apply(policy("x", "deny", egress=[]))
    world.expect(lambda c, s: space(c) == "x")
    assert "0" not in early(world, "x", 1)
    assert set(early(world, "z", 10)) == {"0"}


def early(world: World, namespace: str, seconds: int) -> list[str]:
    """Return curl's exit codes in a pod that asks y/a at once, five times, and waits so long for each answer."""
    target = world.addresses["y/a"]
    script = f"for i in 1 2 3 4 5; do echo | curl -s -m {seconds} telnet://{target}:80 >/dev/null; echo $?; done"
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": namespace, "name": "early"},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "it", "image": "test/machine", "command": ["sh", "-c", script]}],
        },
    }
    kubectl = world.k8s.kubectl
    kubectl("apply -f -", stdin=json.dumps(pod))
    phase = f"-n {namespace} get pod early -o jsonpath={{.status.phase}}"
    eventually("the pod has run", lambda: kubectl(phase) == "Succeeded")
    said = kubectl(f"-n {namespace} logs early").split()
    kubectl(f"-n {namespace} delete pod early")
    assert len(said) == 5
    return said


def test_what_makes_no_sense_is_told_by_the_api_in_an_event_and_in_the_status(world: World) -> None:
    odd = policy("x", "odd", policyTypes=["Ingress"], ingress=[{}], egress=[{}])
    said = world.k8s.kubectl("apply -f -", stdin=json.dumps(odd))
    assert "Warning: spec.egress: the rules are not heeded, as spec.policyTypes lacks Egress" in said
    told = "spec.egress: has rules, which are not heeded as policyTypes lacks Egress"
    eventually("an event", lambda: told in world.k8s.kubectl("-n x get events"))
    status = ("status", "--name", "policies")
    eventually("the status", lambda: f"NetworkPolicy x/odd: {told}\n" in world.k8s.wherry(*status))


def test_rules_are_healed_and_outlive_a_killed_agent(world: World) -> None:
    world.apply(policy("x", "deny", ingress=[]))
    world.expect(lambda c, s: space(s) == "x")
    for node in world.nodes:
        world.k8s.on(node, "nft", "flush", "ruleset")
    world.expect(lambda c, s: space(s) == "x")
    for pid in world.k8s.find(r"^wherry: node-k8s-slave"):
        world.k8s.run("kill", "-9", str(pid))
    assert not {(c, s) for c, s in world.reached() if space(s) == "x" and c != s}
    world.delete("x", "deny")
    world.expect(lambda c, s: False)
