"""Reading Services and EndpointSlices into frontends and routes."""

from __future__ import annotations

import pytest

from tests.proxy.build import CLUSTER_IP, NODE, NODE_ADDRESS, endpoint, endpoint_slice, service, unready
from wherry.objects import Object
from wherry.proxy.plan import Frontend, HealthCheck, Masquerade, Plan, Route, difference, make_plan

WEB = Frontend(CLUSTER_IP, "TCP", 80)


def plan(services: list[Object], *slices: Object) -> Plan:
    return make_plan(services, list(slices), NODE)


def shown(route: Route) -> list[str]:
    return [str(e) for e in route.inside.endpoints]


@pytest.mark.parametrize(
    "skipped",
    [
        service(cluster_ip="None"),
        service(cluster_ip="", type="ExternalName", externalName="example.org"),
        service(labels={"service.kubernetes.io/service-proxy-name": "mine"}),
        service(labels={"service.kubernetes.io/headless": ""}),
    ],
    ids=["headless", "ExternalName", "another proxy's", "labelled headless"],
)
def test_what_is_not_the_proxys_is_left_out(skipped: Object) -> None:
    assert plan([skipped], endpoint_slice([endpoint("p1")])) == Plan()


def test_slices_are_merged_and_an_endpoint_in_two_counts_once() -> None:
    route = plan(
        [service()],
        endpoint_slice([endpoint("p1"), endpoint("p2")], name="web-1"),
        endpoint_slice([endpoint("p1"), endpoint("r1")], name="web-2"),
    ).routes[WEB]
    assert shown(route) == ["10.244.0.5:8080*", "10.244.0.6:8080*", "10.244.1.5:8080"]


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_entries_for_one_endpoint_the_ready_one_counts(order: int) -> None:
    slices = [endpoint_slice([unready("p1")], name="a"), endpoint_slice([endpoint("p1")], name="b")]
    assert shown(plan([service()], *slices[::order]).routes[WEB]) == ["10.244.0.5:8080*"]


def test_ports_are_matched_by_name_and_protocol() -> None:
    ports = [
        {"name": "dns", "port": 53, "protocol": "UDP"},
        {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
        {"name": "peer", "port": 99, "protocol": "SCTP"},
    ]
    piece = endpoint_slice([endpoint("p1")])
    piece["ports"] = [
        {"name": "dns", "port": 5353, "protocol": "UDP"},
        {"name": "dns-tcp", "port": 5454, "protocol": "TCP"},
        {"name": "peer", "port": None, "protocol": "SCTP"},
    ]
    routes = plan([service(ports=ports)], piece).routes
    assert {f.protocol: shown(r) for f, r in routes.items()} == {
        "UDP": ["10.244.0.5:5353*"],
        "TCP": ["10.244.0.5:5454*"],
        "SCTP": [],
    }


def test_slices_of_another_family_or_service_do_not_count() -> None:
    six = endpoint_slice([endpoint("fd00::5")], family="IPv6")
    other = endpoint_slice([endpoint("p1")], service="other")
    elsewhere = endpoint_slice([endpoint("p1")], namespace="elsewhere")
    assert shown(plan([service()], six, other, elsewhere).routes[WEB]) == []


def test_a_dual_stack_service_has_a_frontend_in_each_family() -> None:
    dual = service(clusterIPs=[CLUSTER_IP, "fd00::10"])
    six = endpoint_slice([endpoint("fd00::5")], family="IPv6", name="web-6")
    routes = plan([dual], endpoint_slice([endpoint("p1")]), six).routes
    assert shown(routes[WEB]) == ["10.244.0.5:8080*"]
    assert shown(routes[Frontend("fd00::10", "TCP", 80)]) == ["[fd00::5]:8080"]


def test_every_kind_of_address_gets_a_frontend() -> None:
    everything = service(
        ports=[{"port": 80, "nodePort": 30080}],
        type="LoadBalancer",
        externalIPs=["192.0.2.7"],
        ingress=[{"ip": "192.0.2.8"}, {"ip": "192.0.2.9", "ipMode": "Proxy"}, {"hostname": "lb.example.org"}],
    )
    routes = plan([everything], endpoint_slice([endpoint("p1")])).routes
    assert {(f.address, f.port, r.kind.name, r.masquerade) for f, r in routes.items()} == {
        (CLUSTER_IP, 80, "ClusterIP", Masquerade.OFF_CLUSTER),
        (NODE_ADDRESS, 30080, "NodePort", Masquerade.ALWAYS),
        ("192.0.2.8", 80, "LoadBalancer", Masquerade.ALWAYS),
        ("192.0.2.7", 80, "ExternalIP", Masquerade.ALWAYS),
    }


@pytest.mark.parametrize(
    ("ranges", "sources"),
    [
        (["10.0.0.0/8", "10.1.0.0/16"], ("10.0.0.0/8",)),
        (["192.168.51.0/28", "fd00::/8"], ("192.168.51.0/28",)),
        # This node is let in: so is its traffic to the balancer's address on its own interface.
        (["192.168.51.192/27"], ("192.0.2.8/32", "192.168.51.192/27")),
    ],
    ids=["nested", "families", "own node"],
)
def test_source_ranges_guard_the_load_balancers_address(ranges: list[str], sources: tuple[str, ...]) -> None:
    guarded = service(type="LoadBalancer", loadBalancerSourceRanges=ranges, ingress=[{"ip": "192.0.2.8"}])
    routes = plan([guarded]).routes
    assert routes[Frontend("192.0.2.8", "TCP", 80)].sources == sources
    assert routes[WEB].sources == ()


@pytest.mark.parametrize(("config", "seconds"), [(None, 10800), ({"clientIP": {"timeoutSeconds": 60}}, 60)])
def test_affinity_has_a_timeout(config: Object | None, seconds: int) -> None:
    sticky = service(sessionAffinity="ClientIP", sessionAffinityConfig=config)
    assert plan([sticky]).routes[WEB].affinity_seconds == seconds


def test_a_health_check_counts_the_local_ready_endpoints() -> None:
    balanced = service(type="LoadBalancer", externalTrafficPolicy="Local", healthCheckNodePort=32000)
    piece = endpoint_slice([endpoint("p1"), unready("p2"), endpoint("r1")])
    assert plan([balanced], piece).health_checks == {("demo", "web"): HealthCheck(32000, 1)}


def test_the_difference_names_what_came_changed_and_went() -> None:
    old = plan([service(), service("gone", cluster_ip="10.96.0.12")])
    new = plan([service(), service("new", cluster_ip="10.96.0.11")], endpoint_slice([endpoint("p1")]))
    kinds = {f.address: (a is not None, b is not None) for f, (a, b) in difference(old, new).routes.items()}
    assert kinds == {"10.96.0.10": (True, True), "10.96.0.11": (False, True), "10.96.0.12": (True, False)}
    assert not difference(new, new)


def test_a_plan_is_printed_by_service_for_people() -> None:
    local = service(
        ports=[{"name": "http", "port": 80, "nodePort": 30080}], externalTrafficPolicy="Local", type="NodePort"
    )
    piece = endpoint_slice([endpoint("p1"), endpoint("r1")], port_name="http")
    assert str(plan([local, service("none", cluster_ip="10.96.0.11")], piece)).splitlines() == [
        "demo/none",
        "  ClusterIP    10.96.0.11:80/TCP -> REJECT; masquerade off-cluster sources",
        "demo/web:http",
        "  ClusterIP    10.96.0.10:80/TCP -> 10.244.0.5:8080* 10.244.1.5:8080; masquerade off-cluster sources",
        "  NodePort     192.168.51.209:30080/TCP -> 10.244.0.5:8080* 10.244.1.5:8080; "
        "from outside -> 10.244.0.5:8080*; masquerade this node's own",
    ]
