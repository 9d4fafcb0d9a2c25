"""Why an endpoint takes no new connections."""

from __future__ import annotations

from tests.proxy.build import NODE, draining, endpoint, endpoint_slice, unready
from wherry.objects.family import Family
from wherry.proxy.endpoint import candidates
from wherry.proxy.reasons import left_aside
from wherry.proxy.topology import ThisNode, cluster_choice, local_choice


def reasons(*entries: dict[str, object], local: bool = False, node: ThisNode = NODE) -> dict[str, str]:
    found = candidates([endpoint_slice(list(entries))], "", "TCP", Family.V4, node.name)
    choice = local_choice(found) if local else cluster_choice(found, node)
    return {e.address: why for e, why in left_aside(found, choice, node).items()}


def test_readiness_and_termination() -> None:
    told = reasons(
        endpoint("p1"), unready("p2"), draining("p3"), endpoint("r1", ready=False, serving=False, terminating=True)
    )
    assert told == {
        "10.244.0.6": "it is not ready",
        "10.244.0.7": "it is terminating: still serving, but others are ready",
        "10.244.1.5": "it is terminating",
    }
    assert reasons(draining("p3")) == {}, "it is taken where none is ready"


def test_a_local_policy() -> None:
    assert "is not on n1, and the traffic policy is Local" in reasons(endpoint("r1"), local=True)["10.244.1.5"]


def test_topology() -> None:
    here = ThisNode("n1", "a")
    zones = reasons(endpoint("p1", zones=["a"]), endpoint("r1", zones=["b"]), node=here)
    assert zones == {"10.244.1.5": "it is for zone b (topology), and n1 is in zone a"}
    nodes = reasons(endpoint("p1", nodes=["n1"]), endpoint("r1", nodes=["n2"]), node=ThisNode("n1"))
    assert nodes == {"10.244.1.5": "it is for node n2 (topology), and n1 is another"}
