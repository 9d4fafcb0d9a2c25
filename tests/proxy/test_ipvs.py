"""The ipvs mode's decisions, without a kernel: whose a Service is, virtual servers, what drains, sets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.proxy.build import CLUSTER_IP, NODE, PODS, endpoint, endpoint_slice, service
from tests.proxy.cases import BALANCER, NODE_PORT
from wherry.net.ipvs import Manner, Server, place, remove, serve, withdraw
from wherry.objects.family import Family
from wherry.proxy.modes import ModeConfig, make
from wherry.proxy.modes.ipvs.servers import Servers
from wherry.proxy.modes.ipvs.sets import Sets, saved
from wherry.proxy.modes.ipvs.share import balanced, is_balanced, rest
from wherry.proxy.plan import Change, Frontend, Plan, difference, make_plan

SERVER = Server(CLUSTER_IP, "TCP", 80)
P1, R1 = (PODS["p1"], 8080), (PODS["r1"], 8080)


def plan(*pods: str, **spec: Any) -> Plan:
    return make_plan([service(**spec)], [endpoint_slice([endpoint(pod) for pod in pods])], NODE)


def from_nothing(after: Plan) -> Change:
    return difference(Plan(), after)


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ({}, {80: True}),
        ({"externalTrafficPolicy": "Local"}, {80: True, NODE_PORT: False}),
        ({"internalTrafficPolicy": "Local"}, {80: True, NODE_PORT: True}),
    ],
)
def test_ipvs_has_what_all_clients_reach_alike(spec: dict[str, Any], wanted: dict[int, bool]) -> None:
    made = plan("p1", "r1", type="NodePort", ports=[{"port": 80, "targetPort": 8080, "nodePort": NODE_PORT}], **spec)
    shares = {frontend.port: is_balanced(route) for frontend, route in made.routes.items()}
    assert {port: shares[port] for port in wanted} == wanted


def test_ranges_of_sources_and_services_without_endpoints_are_iptables() -> None:
    ranges = {"type": "LoadBalancer", "loadBalancerSourceRanges": ["192.168.51.0/28"], "ingress": [{"ip": BALANCER}]}
    routes = plan("r1", **ranges).routes
    assert not is_balanced(routes[Frontend(BALANCER, "TCP", 80)])
    assert is_balanced(routes[Frontend(CLUSTER_IP, "TCP", 80)])
    assert not is_balanced(plan().routes[Frontend(CLUSTER_IP, "TCP", 80)])


def test_a_service_that_loses_its_endpoints_leaves_ipvs_for_iptables() -> None:
    change = difference(plan("p1"), plan())
    frontend = Frontend(*SERVER)
    assert balanced(change).routes[frontend][1] is None
    assert rest(change).routes[frontend][0] is None
    assert rest(change).routes[frontend][1] is not None


def test_an_endpoint_drains_and_goes_when_it_is_idle() -> None:
    servers = Servers("rr")
    assert servers.add(from_nothing(plan("p1", "r1"))) == [
        serve(SERVER, Manner("rr", 0)),
        place(SERVER, P1, 1),
        place(SERVER, R1, 1),
    ]
    less = difference(plan("p1", "r1"), plan("p1"))
    assert servers.add(less) == []
    assert servers.drop(less) == [place(SERVER, R1, 0, again=True)]
    assert servers.draining() == [SERVER]
    assert servers.drained(SERVER, [P1]) == []
    assert servers.drained(SERVER, [P1, R1]) == [remove(SERVER, R1)]
    assert servers.draining() == []


def test_an_endpoint_that_comes_back_while_it_drains_serves_again() -> None:
    servers = Servers("rr")
    servers.add(from_nothing(plan("p1", "r1")))
    servers.drop(difference(plan("p1", "r1"), plan("p1")))
    assert servers.add(difference(plan("p1"), plan("p1", "r1"))) == [place(SERVER, R1, 1, again=True)]
    assert servers.drained(SERVER, [R1]) == []


def test_a_server_of_nobody_goes_with_its_last_connection_and_its_address_with_it() -> None:
    servers = Servers("rr")
    servers.learn(SERVER, Manner("rr", 0), {P1: 1}, has_address=True)
    assert servers.drop_strange(()) == [place(SERVER, P1, 0, again=True)]
    assert servers.addresses == {CLUSTER_IP}
    assert servers.drained(SERVER, [P1]) == [remove(SERVER, P1), withdraw(SERVER)]
    assert servers.addresses == set()


def test_datagrams_have_no_end_to_wait_for() -> None:
    server = Server(CLUSTER_IP, "UDP", 53)
    servers = Servers("rr")
    servers.learn(server, Manner("rr", 0), {P1: 1}, has_address=True)
    assert servers.drop_strange(()) == [remove(server, P1), withdraw(server)]


def test_a_set_keeps_what_another_route_needs() -> None:
    def two(*names: str) -> Plan:
        services = [service(name, cluster_ip=f"10.96.0.{10 + i}") for i, name in enumerate(names)]
        return make_plan(services, [endpoint_slice([endpoint("p1")], service=name) for name in names], NODE)

    sets = Sets(Family.V4)
    sets.load(from_nothing(two("a", "b")), ())
    loop = f"{PODS['p1']},tcp:8080,{PODS['p1']}"
    assert sets.update(difference(two("a", "b"), two("a"))) == "del KUBE-CLUSTER-IP 10.96.0.11,tcp:80\n"
    assert f"del KUBE-LOOP-BACK {loop}\n" in sets.update(difference(two("a"), two()))
    assert not any(sets.members.values())


def test_what_a_script_fills_is_what_the_tool_saves() -> None:
    sets = Sets(Family.V6)
    made = make_plan(
        [service(cluster_ip="fd00:96::a", ipFamilies=["IPv6"])],
        [endpoint_slice([endpoint("fd00:244::5")], family="IPv6")],
        NODE,
    )
    script = sets.load(from_nothing(made), ["fd00:96::a"])
    assert "create KUBE-6-CLUSTER-IP hash:ip,port family inet6" in script
    text = "create KUBE-6-CLUSTER-IP hash:ip,port family inet6 hashsize 1024\nadd KUBE-6-CLUSTER-IP fd00:96::a,tcp:80\n"
    assert saved(text)["KUBE-6-CLUSTER-IP"] == sets.members["KUBE-6-CLUSTER-IP"]


def test_the_plan_prints_as_ipvsadm_reads_it() -> None:
    text = make("ipvs", ModeConfig(("10.244.0.0/16",))).render(plan("p1", sessionAffinity="ClientIP"))
    assert f"-A -t {CLUSTER_IP}:80 -s rr -p 10800\n-a -t {CLUSTER_IP}:80 -r {PODS['p1']}:8080 -m -w 1\n" in text
    assert f"add KUBE-CLUSTER-IP-NEW {CLUSTER_IP},tcp:80" in text
