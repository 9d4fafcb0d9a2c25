"""What would become of a connection, and why: each case is a thing that people do not find by themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.explain.world import (
    CLIENT,
    DNS_IP,
    N1,
    N2,
    W1,
    W2,
    WEB,
    endpoint,
    node,
    pod,
    slice_of,
    snapshot,
    step,
    traced,
    web,
)
from tests.networkpolicy.build import labelled, policy
from tests.proxy.build import service
from wherry.explain.step import TraceError
from wherry.proxy.plan import Frontend

# The way in general


async def test_a_name_of_a_service_from_a_pod() -> None:
    told = await traced("pod/client", "http://web")
    assert told.answered
    steps = ["resolver", "name", "service", "endpoints", "nat", "policy", "route", "listening"]
    assert [s.about for s in told.steps] == steps
    assert f"asks {DNS_IP}, search demo.svc.cluster.local" in step(told, "resolver")
    assert f"web.demo.svc.cluster.local. 30 A {WEB}" in step(told, "name")
    assert "the cluster IP of Service demo/web" in step(told, "service")
    assert f"{W2}:8080  pod demo/w2 on n2" in step(told, "endpoints")
    assert "the source stays" in step(told, "nat")
    assert f"{W1}:8080: it stays on n1" in step(told, "route")
    assert f"from n1 to n2, {N2}" in step(told, "route")


async def test_it_is_printed_with_what_ends_it_marked() -> None:
    lines = str(await traced("pod/client", f"{WEB}:81")).splitlines()
    assert lines[:2] == [f"from  pod demo/client, {CLIENT}, on n1", f"to    {WEB}:81"]
    assert lines[3] == " 1 x service  Service demo/web has no port 81/TCP, it has 80/TCP: connection refused"
    assert lines[-1].startswith("not answered: service: Service demo/web has no port")


# Endpoints


async def test_endpoints_that_are_left_out_are_told_with_the_reason() -> None:
    held = snapshot(slices=[slice_of("web", 8080, endpoint(W1, "n1"), endpoint(W2, "n2", ready=False, serving=False))])
    told = await traced("pod/client", f"{WEB}:80", held)
    assert told.answered
    assert f"not {W2}:8080  pod demo/w2 on n2: it is not ready" in step(told, "endpoints")


@pytest.mark.parametrize(
    ("selector", "why"),
    [({"app": "wbe"}, "its selector app=wbe is that of no pod in demo"), ({"app": "web"}, "finds w1, w2, without")],
)
async def test_a_service_without_endpoints_says_why_it_has_none(selector: dict[str, str], why: str) -> None:
    told = await traced("pod/client", f"{WEB}:80", snapshot(services=[web(selector=selector)], slices=[]))
    assert not told.answered
    assert "connection refused" in told.because
    assert why in step(told, "endpoints")


async def test_a_local_policy_drops_where_no_endpoint_is() -> None:
    local = web(type="NodePort", externalTrafficPolicy="Local", port={"nodePort": 30080})
    held = snapshot(services=[local], slices=[slice_of("web", 8080, endpoint(W2, "n2"))])
    assert (await traced("outside/192.168.51.1", f"{N2}:30080", held)).answered
    told = await traced("outside/192.168.51.1", f"{N1}:30080", held)
    assert not told.answered
    assert "dropped, so it times out" in told.because
    assert "is not on n1, and the traffic policy is Local" in step(told, "endpoints")
    assert (await traced("pod/client", f"{N1}:30080", held)).answered, "pods get all endpoints"
    assert not (await traced("node/n2", f"{N1}:30080", held)).answered, "another node is outside, to n1"


# Addresses of nobody, or of others


@pytest.mark.parametrize(
    ("whither", "why"),
    [
        ("10.96.9.9:80", "no Service has it: dropped"),
        ("127.0.0.1:80", "the loopback of pod demo/client"),
        (f"{WEB}:80/udp", "has no port 80/UDP, it has 80/TCP"),
    ],
)
async def test_what_leads_nowhere(whither: str, why: str) -> None:
    told = await traced("pod/client", whither)
    assert not told.answered
    assert why in told.because


async def test_nobody_outside_knows_a_way_to_cluster_ips_and_pods() -> None:
    for whither in (f"{WEB}:80", f"{W1}:8080", "203.0.113.9:80"):
        assert not (await traced("outside", whither)).answered


async def test_a_pod_is_reached_at_its_own_address_and_the_world_by_its_node() -> None:
    told = await traced("pod/client", f"{W2}:8080")
    assert told.answered
    assert "pod demo/w2's own, on n2" in step(told, "address")
    world = await traced("pod/client", "203.0.113.9:443")
    assert world.answered
    assert "who answers is not known here" in world.because


async def test_a_host_port_leads_into_its_pod() -> None:
    w1 = pod("w1", W1, "n1", containers=[{"name": "c", "ports": [{"containerPort": 8080, "hostPort": 8000}]}])
    told = await traced("outside", f"{N1}:8000", snapshot(pods=[w1]))
    assert f"the destination becomes {W1}:8080/TCP" in step(told, "nat")


# NAT and the network


async def test_whose_address_the_endpoint_sees() -> None:
    own = snapshot(slices=[slice_of("web", 8080, endpoint(CLIENT, "n1"))])
    assert "it got itself" in step(await traced("pod/client", f"{WEB}:80", own), "nat")
    assert "in none of the pods' networks" in step(await traced("node/n1", f"{WEB}:80"), "nat")
    outside = snapshot(services=[web(type="NodePort", port={"nodePort": 30080})])
    assert "must come back through this node" in step(await traced("outside", f"{N1}:30080", outside), "nat")


async def test_a_node_that_is_not_ready_may_not_be_reached() -> None:
    held = snapshot(nodes=[node("n1", N1), node("n2", N2, "Unknown")])
    told = await traced("pod/client", f"{WEB}:80", held)
    assert not told.answered
    assert told.because == "route: 1 of 2 of the endpoints can be had"
    assert f"{W2}:8080: from n1 to n2, which is not ready" in step(told, "route")


async def test_a_load_balancer_is_led_to_a_node_that_serves_or_to_the_one_that_is_said() -> None:
    balanced = web(type="LoadBalancer", externalTrafficPolicy="Local", ingress=[{"ip": "198.51.100.7"}])
    held = snapshot(services=[balanced], slices=[slice_of("web", 8080, endpoint(W2, "n2"))])
    told = await traced("outside", "198.51.100.7:80", held)
    assert told.answered
    assert "to n2" in step(told, "route")
    assert not (await traced("outside", "198.51.100.7:80", held, via="n1")).answered


async def test_source_ranges_let_in_whom_they_say() -> None:
    balanced = web(type="LoadBalancer", loadBalancerSourceRanges=["192.0.2.0/24"], ingress=[{"ip": "198.51.100.7"}])
    held = snapshot(services=[balanced])
    assert (await traced("outside/192.0.2.9", "198.51.100.7:80", held)).answered
    for who in ("outside", "outside/203.0.113.1"):
        assert "let in 192.0.2.0/24" in (await traced(who, "198.51.100.7:80", held)).because


async def test_what_the_relay_takes_from_the_machine() -> None:
    held = snapshot(
        services=[web(type="NodePort", port={"nodePort": 30080})],
        relayed={Frontend("127.0.0.1", "TCP", 30080): Frontend(N1, "TCP", 30080)},
    )
    told = await traced("outside/192.168.51.1", "http://127.0.0.1:30080", held)
    assert told.answered
    assert f"asks {N1}:30080/TCP" in step(told, "relay")
    assert not (await traced("outside", "127.0.0.1:30081", held)).answered


# NetworkPolicies


async def test_a_policy_that_does_not_allow_it_ends_it_by_name() -> None:
    closed = policy("closed", pods=labelled(app="web"), ingress=[{"from": [{"podSelector": labelled(app="friend")}]}])
    told = await traced("pod/client", f"{WEB}:80", snapshot(policies=[closed]))
    assert not told.answered
    assert told.because == "policy: dropped, so it times out"
    assert "into demo/w1: selected by demo/closed, and none of that allows it" in step(told, "policy")
    assert (await traced("node/n1", f"{W1}:8080", snapshot(policies=[closed]))).answered, "its own node always may"
    assert not (await traced("node/n1", f"{W2}:8080", snapshot(policies=[closed]))).answered


async def test_a_masqueraded_client_is_its_node_to_other_nodes() -> None:
    lan = policy("lan", pods=labelled(app="web"), ingress=[{"from": [{"ipBlock": {"cidr": f"{N1}/32"}}]}])
    services = [web(type="NodePort", port={"nodePort": 30080})]
    far = snapshot(policies=[lan], services=services, slices=[slice_of("web", 8080, endpoint(W2, "n2"))])
    near = replace(far, slices=[slice_of("web", 8080, endpoint(W1, "n1"))])
    assert (await traced("outside/192.168.51.1", f"{N1}:30080", far)).answered
    assert not (await traced("outside/192.168.51.1", f"{N1}:30080", near)).answered


async def test_egress_without_dns_resolves_no_name() -> None:
    to_web = policy("out", pods=labelled(app="client"), egress=[{"to": [{"podSelector": labelled(app="web")}]}])
    held = snapshot(policies=[to_web])
    assert (await traced("pod/client", f"{WEB}:80", held)).answered
    told = await traced("pod/client", "http://web", held)
    assert not told.answered
    assert f"{DNS_IP}:53/UDP is not reached, so no name is resolved" in told.because
    assert "policy: dropped" in step(told, "resolver")


# Names


async def test_who_asks_whom_for_names() -> None:
    assert (await traced("pod/client", "nowhere:80")).because == "name: nowhere has no address"
    assert "known to the cluster's DNS alone" in step(await traced("node/n1", "web.demo:80"), "name")
    assert "203.0.113.9" in step(await traced("node/n1", "example.org:443"), "name")
    default = snapshot(pods=[pod("client", CLIENT, "n1", dnsPolicy="Default")])
    assert "dnsPolicy Default" in step(await traced("pod/client", "web:80", default), "resolver")
    own = snapshot(pods=[pod("client", CLIENT, "n1", dnsPolicy="None", dnsConfig={"nameservers": ["9.9.9.9"]})])
    assert "9.9.9.9 answers is not known" in (await traced("pod/client", "web:80", own)).because


async def test_a_service_of_one_port_needs_none_said() -> None:
    assert (await traced("pod/client", "web")).answered
    two = service("web", [{"name": "a", "port": 80}, {"name": "b", "port": 81}])
    with pytest.raises(TraceError, match=r"which port\? The Service has 80, 81: use web:PORT"):
        await traced("pod/client", "web", snapshot(services=[two]))


# Listening


async def test_a_port_on_which_nothing_listens_is_told_with_what_is_listened_on() -> None:
    seen = {"demo-w1": frozenset({("TCP", "0.0.0.0", 8080)}), "demo-w2": frozenset({("TCP", "::", 80)})}
    told = await traced("pod/client", f"{WEB}:80", snapshot(listening=seen))
    assert told.because == "listening: 1 of 2 of the endpoints can be had"
    assert "pod demo/w2 listens on 80/TCP" in step(told, "listening")
    both = {**seen, "demo-w2": seen["demo-w1"]}
    assert (await traced("pod/client", f"{WEB}:80", snapshot(listening=both))).because == "somebody listens on 8080/TCP"
    alone = {name: frozenset({("TCP", "127.0.0.1", 8080)}) for name in both}
    assert (
        "where nobody else reaches it" in (await traced("pod/client", f"{WEB}:80", snapshot(listening=alone))).because
    )


async def test_who_listens_in_one_family_alone_is_not_reached_in_the_other() -> None:
    seen = {"demo-w1": frozenset({("TCP", "0.0.0.0", 8080)})}
    six = pod("w1", "fd00::5", "n1")
    told = await traced("outside/fd01::1", "[fd00::5]:8080", snapshot(pods=[six], listening=seen))
    assert "from outside there is no way" in told.because
    client = pod("client", "fd00::9", "n1")
    told = await traced("pod/client", "[fd00::5]:8080", snapshot(pods=[six, client], listening=seen))
    assert "by IPv4 alone" in told.because


# Ends that are none


@pytest.mark.parametrize(
    ("whence", "whither", "why"),
    [
        ("pod/nobody", "a:1", "no pod nobody in demo; there is: client, w1, w2"),
        ("node/n9", "a:1", "no node n9; there is: n1, n2"),
        ("client", "a:1", "'client' is no place to come from"),
        ("outside/here", "a:1", "'here' is no address"),
        ("pod/client", "a:99999", "out of range"),
        ("pod/client", "ftp://a", "'ftp' is none of http"),
        ("pod/client", "a:1/icmp", "'icmp' is none of tcp"),
        ("pod/client", ":80", "is no target"),
        ("pod/client", "10.9.9.9", "which port"),
    ],
)
async def test_ends_that_are_none_are_refused(whence: str, whither: str, why: str) -> None:
    with pytest.raises(TraceError, match=why):
        await traced(whence, whither)


async def test_a_node_to_lead_to_that_is_none_is_refused() -> None:
    with pytest.raises(TraceError, match="no node n9"):
        await traced("outside", f"{N1}:80", via="n9")
