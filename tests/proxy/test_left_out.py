"""What makes no sense is left out by name, and the rest is served."""

from __future__ import annotations

from tests.proxy.build import CLUSTER_IP, NODE, endpoint, endpoint_slice, service
from wherry.proxy.left_out import left_out
from wherry.proxy.plan import Frontend, plan_service

BALANCED = {"type": "LoadBalancer", "ingress": [{"ip": "192.168.51.100"}]}


def test_what_makes_sense_leaves_nothing_out() -> None:
    good = service(loadBalancerSourceRanges=["010.0.0.0/8", " fd00::/8"], externalIPs=["192.168.051.7"], **BALANCED)
    assert left_out(good, [endpoint_slice([endpoint("p1")])]) == ()


def test_each_field_that_makes_no_sense_is_named() -> None:
    bad = service(
        ports=[{"port": 80}, {"port": 0}],
        externalIPs=["here", "127.0.0.1"],
        type="LoadBalancer",
        loadBalancerSourceRanges=["10.0.0.0/33"],
        ingress=[{"ip": "1.2.3"}],
    )
    lines = left_out(
        bad, [endpoint_slice([endpoint("p1"), endpoint("fd00::1"), endpoint("169.254.169.254")], name="web-7")]
    )
    assert [line.partition(":")[0] for line in lines] == [
        "externalIPs",
        "externalIPs",
        "status.loadBalancer.ingress",
        "loadBalancerSourceRanges",
        "ports",
        "EndpointSlice web-7",
        "EndpointSlice web-7",
    ]
    assert "'fd00::1' is no IPv4 address" in lines[-2]
    assert "'169.254.169.254' is reached from nowhere else" in lines[-1]


def test_the_rest_of_the_service_is_planned() -> None:
    bad = service(type="LoadBalancer", loadBalancerSourceRanges=["x"], ingress=[{"ip": "192.168.51.100"}])
    part = plan_service(bad, [endpoint_slice([endpoint("p1"), endpoint("nowhere")])], NODE)
    assert [(r.frontend, len(r.inside.endpoints)) for r in part.routes] == [(Frontend(CLUSTER_IP, "TCP", 80), 1)]
    assert len(part.left_out) == 2


def test_what_a_node_needs_for_itself_is_no_service_however_it_is_written() -> None:
    """A proxy that took the loopback for a cluster IP would drop what the node says to itself, its own health too."""
    bad = service(
        clusterIPs=[CLUSTER_IP, "127.0.0.1"], externalIPs=["0.0.0.0"], type="LoadBalancer", ingress=[{"ip": "::1"}]
    )
    part = plan_service(bad, [endpoint_slice([endpoint("p1"), endpoint("127.0.0.1")])], NODE)
    assert [(r.frontend, len(r.inside.endpoints)) for r in part.routes] == [(Frontend(CLUSTER_IP, "TCP", 80), 1)]
    assert len(part.left_out) == 4
