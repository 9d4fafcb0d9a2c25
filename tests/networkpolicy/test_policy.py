"""What a policy says, and what of it makes no sense."""

from __future__ import annotations

from typing import Any

import pytest

from tests.networkpolicy import build
from wherry.networkpolicy import pod, policy
from wherry.networkpolicy.policy import Allow, Direction, NamedPort
from wherry.objects import Object


def ingress(rule: Object) -> tuple[Allow, ...]:
    return policy.read(build.policy(ingress=[rule])).allowed[Direction.INGRESS]


@pytest.mark.parametrize(
    ("spec", "directions"),
    [
        ({}, {"ingress"}),
        ({"ingress": [{}]}, {"ingress"}),
        ({"egress": [{}]}, {"ingress", "egress"}),
        ({"egress": []}, {"ingress"}),
        ({"policyTypes": ["Egress"]}, {"egress"}),
        ({"policyTypes": ["Ingress", "Egress"]}, {"ingress", "egress"}),
    ],
)
def test_which_directions_it_is_about(spec: dict[str, Any], directions: set[str]) -> None:
    assert set(policy.read(build.policy(**spec)).allowed) == directions


def test_an_empty_rule_allows_everything_and_no_rule_nothing() -> None:
    assert ingress({}) == (Allow(),)
    assert ingress({"from": [], "ports": []}) == (Allow(),)
    assert policy.read(build.policy(ingress=[])).allowed[Direction.INGRESS] == ()


def test_networks_are_told_without_what_is_excepted() -> None:
    block = {"cidr": "10.0.0.0/30", "except": ["10.0.0.1/32", "fd00::/8"]}
    [allow] = ingress({"from": [{"ipBlock": block}, {"ipBlock": {"cidr": "10.0.0.3/32"}}]})
    assert [str(n) for n in allow.networks or ()] == ["10.0.0.0/32", "10.0.0.2/31"]


def test_ports_of_a_protocol_are_told_together_and_do_not_overlap() -> None:
    ports = [{"port": 80, "endPort": 90}, {"port": 85, "endPort": 99}, {"port": 100}, {"port": 7}, {"port": "http"}]
    told = ingress({"ports": [*ports, {"protocol": "UDP"}, {"protocol": "UDP", "port": 53}]})
    assert told == (
        Allow(protocol="TCP", ports=((7, 7), (80, 100))),
        Allow(protocol="UDP"),
        Allow(protocol="TCP", named=NamedPort("TCP", "http")),
    )


def test_selectors_that_say_the_same_share_a_set() -> None:
    one, two = (
        policy.read(build.policy(name, ingress=[{"from": [{"namespaceSelector": build.labelled(team="a")}]}]))
        for name in ("one", "two")
    )
    assert one.allowed[Direction.INGRESS][0].sets == two.allowed[Direction.INGRESS][0].sets


SENSELESS = {
    "spec.egress: has rules, which are not heeded as policyTypes lacks Egress": {
        "policyTypes": ["Ingress"],
        "egress": [{}],
    },
    "spec.ingress[0].from[0]: names nobody": {"ingress": [{"from": [{}]}]},
    "spec.ingress[0].from[0].ipBlock: '10.0' is no network": {"ingress": [{"from": [{"ipBlock": {"cidr": "10.0"}}]}]},
    "spec.ingress[0].from[0].ipBlock: 'x' is no network": {
        "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["x"]}}]}]
    },
    "spec.ingress[0].from[0].ipBlock: excepts all of 10.0.0.0/8": {
        "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}}]}]
    },
    "spec.ingress[0].ports[0].protocol: 'ICMP' is not one of TCP, UDP, SCTP": {
        "ingress": [{"ports": [{"protocol": "ICMP"}]}]
    },
    "spec.ingress[0].ports[0]: 90 to 80 are no ports": {"ingress": [{"ports": [{"port": 90, "endPort": 80}]}]},
    'spec.podSelector: "Near" is not a valid label selector operator': {
        "pods": {"matchExpressions": [{"key": "a", "operator": "Near"}]}
    },
}


@pytest.mark.parametrize("told", SENSELESS)
def test_what_makes_no_sense_is_told_and_lets_nothing_through(told: str) -> None:
    read = policy.read(build.policy(**SENSELESS[told]))
    assert read.left_out == (told,)
    assert not any(read.allowed.values())


def test_named_ports_are_those_of_containers_that_stay() -> None:
    sidecar = {"name": "side", "restartPolicy": "Always", "ports": [{"name": "side", "containerPort": 9}]}
    init = {"name": "init", "ports": [{"name": "init", "containerPort": 10}]}
    made = build.pod("p", "10.244.0.5", ports={"http": 80}, initContainers=[sidecar, init])
    read = pod.read(made, "n1")
    assert read is not None
    assert read.ports == {NamedPort("TCP", "http"): 80, NamedPort("TCP", "side"): 9}
