"""Where the machine's listeners lead, for one Service."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.cluster.config import ClusterConfig, plan_nodes
from wherry.cluster.hostforward.plan import Forward, Listener, of_service
from wherry.objects import Object

MASTER, WORKER = "192.168.51.209", "192.168.51.210"


def config(bind: str = "127.0.0.5") -> ClusterConfig:
    return ClusterConfig("default", plan_nodes("2", "192.168.51.0/24", "10.244.0.0/16"), bind=bind)


def service(**spec: Any) -> Object:
    return {
        "metadata": {"name": "web", "namespace": "demo"},
        "spec": {"ports": [{"port": 80, "nodePort": 30080}], **spec},
    }


def balanced(*ips: str, **spec: Any) -> Object:
    return service(type="LoadBalancer", **spec) | {"status": {"loadBalancer": {"ingress": [{"ip": ip} for ip in ips]}}}


def endpoint(node: str, **conditions: bool) -> Object:
    return {"addresses": ["10.244.1.2"], "nodeName": node, "conditions": conditions}


def slices(*endpoints: Object) -> list[Object]:
    return [{"endpoints": list(endpoints)}]


def test_a_node_port_leads_to_the_control_planes_node() -> None:
    wanted = of_service(service(), slices(endpoint("k8s-slave1")), config())
    assert wanted == {Listener("TCP", "127.0.0.5", 30080): Forward((MASTER, 30080), True)}


@pytest.mark.parametrize(
    ("endpoints", "node", "answers"),
    [
        ([endpoint("k8s-slave1")], WORKER, True),
        ([endpoint("k8s-slave1", ready=False), endpoint("k8s-master")], MASTER, True),
        ([endpoint("k8s-slave1", ready=False, serving=True)], WORKER, True),
        ([endpoint("k8s-slave1", ready=False, serving=False)], MASTER, False),
        ([], MASTER, False),
    ],
)
def test_a_local_one_leads_to_a_node_that_has_an_endpoint(endpoints: list[Object], node: str, answers: bool) -> None:
    wanted = of_service(service(externalTrafficPolicy="Local"), slices(*endpoints), config())
    assert list(wanted.values()) == [Forward((node, 30080), answers)]


@pytest.mark.parametrize(("selector", "answers"), [({"app": "web"}, True), ({}, False)])
def test_a_refusal_is_for_a_moment_before_anybody_has_looked_whom_a_selector_finds(
    selector: dict[str, str], answers: bool
) -> None:
    [forward] = of_service(service(selector=selector), [], config()).values()
    assert forward.answers is answers
    [forward] = of_service(service(selector=selector), slices(), config()).values()
    assert not forward.answers


def test_a_service_without_a_node_port_and_a_protocol_without_a_relay_want_nothing() -> None:
    ports = [{"port": 80}, {"port": 81, "nodePort": 30081, "protocol": "SCTP"}]
    assert of_service(service(ports=ports), [], config()) == {}


def test_a_load_balancers_address_has_a_stand_in_on_loopback() -> None:
    wanted = of_service(balanced("192.168.51.64"), slices(endpoint("k8s-slave1")), config())
    assert wanted[Listener("TCP", "127.5.51.64", 80)] == Forward(("192.168.51.64", 80), True)


def test_that_of_a_local_one_leads_to_a_node_that_has_an_endpoint() -> None:
    local = balanced("192.168.51.64", externalTrafficPolicy="Local")
    wanted = of_service(local, slices(endpoint("k8s-slave1")), config())
    assert wanted[Listener("TCP", "127.5.51.64", 80)].target == (WORKER, 30080)


@pytest.mark.parametrize("policy", ["Local", "Cluster"])
@pytest.mark.parametrize(
    ("ranges", "admitted"),
    [
        ([], True),
        (["192.168.51.0/24"], True),
        (["10.0.0.0/8"], False),
        (["10.0.0.0/8", "192.168.51.1/32"], True),
        (["192.168.51.0/24", "nonsense"], False),
        (["fd00::/8"], True),
        (["192.168.051.0/24"], True),
    ],
)
def test_that_of_one_with_source_ranges_is_there_if_they_let_the_machines_lan_address_in(
    policy: str, ranges: list[str], admitted: bool
) -> None:
    ranged = balanced("192.168.51.64", externalTrafficPolicy=policy, loadBalancerSourceRanges=ranges)
    wanted = of_service(ranged, slices(endpoint("k8s-slave1")), config())
    assert (Listener("TCP", "127.5.51.64", 80) in wanted) is admitted


@pytest.mark.parametrize(("ip", "bind"), [("203.0.113.1", "127.0.0.5"), ("192.168.51.64", "127.1.0.5")])
def test_an_address_of_another_pool_and_one_without_room_on_loopback_have_none(ip: str, bind: str) -> None:
    wanted = of_service(balanced(ip), [], config(bind))
    assert [listener.port for listener in wanted] == [30080]


@pytest.mark.parametrize(
    ("lan", "pool"),
    [
        ("192.168.51.0/24", "192.168.51.64/27"),
        ("10.0.0.0/16", "10.0.0.64/27"),
        ("192.168.51.0/28", "192.168.51.4/31"),
        ("192.168.51.0/30", ""),
        ("fd00:51::/64", "fd00:51::40/123"),
    ],
)
def test_the_pool_is_a_part_of_the_lan(lan: str, pool: str) -> None:
    assert [str(one) for one in ClusterConfig("x", (), node_cidr=lan).balancer_pools.values()] == pool.split()


def test_no_node_is_put_into_the_pool_and_one_that_was_asked_for_there_is_left_out_of_it() -> None:
    many = plan_nodes("200", "192.168.51.0/24", "10.0.0.0/8")
    pool = ClusterConfig("x", many).balancer_addresses
    assert len(pool) == 32
    assert not {node.address for node in many} & set(pool)
    asked = ClusterConfig("x", plan_nodes("a=192.168.51.70", "192.168.51.0/24", "10.244.0.0/16"))
    assert "192.168.51.70" not in asked.balancer_addresses
