"""Where a proxied request goes: what a name says, and which address that is."""

from __future__ import annotations

import pytest

from tests.apiserver.harness import Cluster
from tests.apiserver.samples import node, pod, service
from tests.apiserver.web.connect.backend import endpoints
from wherry.apiserver.web.connect import proxied
from wherry.apiserver.web.connect.location import unverified_tls
from wherry.apiserver.web.connect.proxied import Named, Proxied, check_proxyable, named
from wherry.objects.errors import ApiError, BadRequest, NotFound, ServiceUnavailable
from wherry.objects.resource import ENDPOINTS, NODES, PODS, SERVICES

TO_NODES, TO_PODS = unverified_tls(), unverified_tls()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", Named(False, "a")),
        ("a:80", Named(False, "a", "80")),
        ("a:http", Named(False, "a", "http")),
        ("http:a:80", Named(False, "a", "80")),
        ("https:a:", Named(True, "a")),
        (":a:80", Named(False, "a", "80")),
    ],
)
def test_a_name_may_say_scheme_and_port(text: str, expected: Named) -> None:
    assert named(text, "pod") == expected


@pytest.mark.parametrize("text", ["", ":80", "ftp:a:80", "http::80", "a:b:c:d"])
def test_a_name_that_says_something_else_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match=f'invalid pod request "{text}"'):
        named(text, "pod")


LOCAL = "127.0.0.1 127.8.8.8 169.254.169.254 0.0.0.0 224.0.0.1 255.255.255.255 ::1 fe80::1 :: ff02::1 ::ffff:127.0.0.1"


@pytest.mark.parametrize("address", [*LOCAL.split(), "", "localhost"])
def test_no_pods_status_opens_a_way_to_the_servers_own_network(address: str) -> None:
    with pytest.raises(BadRequest, match="address not allowed"):
        check_proxyable(address)


@pytest.mark.parametrize("address", ["10.244.0.7", "192.168.51.209", "8.8.8.8", "fd00::7", "2001:db8::1"])
def test_what_pods_and_nodes_have_is_allowed(address: str) -> None:
    check_proxyable(address)


@pytest.fixture
async def places(cluster: Cluster) -> Proxied:
    """Pods `a` (10.0.0.1, port 8080) and `plain` (10.0.0.2, no port), service `s`, node `n`, the latter at 10.0.0.9."""
    await _pod(cluster, "a", "10.0.0.1", 8080)
    await _pod(cluster, "plain", "10.0.0.2")
    ports = [{"name": "http", "port": 80, "targetPort": 8080}, {"name": "tls", "port": 443}]
    await cluster.client.create(SERVICES, {"metadata": {"name": "s"}, "spec": {"ports": ports}}, "demo")
    made = endpoints("a", "10.0.0.1", ports={"http": 8080, "tls": 8443}) | {"metadata": {"name": "s"}}
    await cluster.client.create(ENDPOINTS, made, "demo")
    await cluster.client.create(NODES, node("n", "10.0.0.9", 10250))
    return Proxied(cluster.server.api.registry, TO_NODES, TO_PODS)


async def _pod(cluster: Cluster, name: str, ip: str, *ports: int) -> None:
    containers = [
        {"name": "first", "image": "i"},
        {"name": "c", "image": "i", "ports": [{"containerPort": port} for port in ports]},
    ]
    await cluster.client.create(PODS, pod(name, containers=containers), "demo")
    status = {"podIP": ip, "podIPs": [{"ip": ip}]}
    await cluster.client.patch(PODS, name, {"status": status}, "demo", subresource="status")


@pytest.mark.parametrize(
    ("resource", "text", "expected"),
    [
        (PODS, "a", ("10.0.0.1", 8080, None)),
        (PODS, "a:9", ("10.0.0.1", 9, None)),
        (PODS, "https:a:9", ("10.0.0.1", 9, TO_PODS)),
        (PODS, "plain", ("10.0.0.2", 80, None)),
        (PODS, "https:plain:", ("10.0.0.2", 443, TO_PODS)),
        (SERVICES, "s:http", ("10.0.0.1", 8080, None)),
        (SERVICES, "s:80", ("10.0.0.1", 8080, None)),
        (SERVICES, "https:s:tls", ("10.0.0.1", 8443, TO_PODS)),
        (SERVICES, "https:s:443", ("10.0.0.1", 8443, TO_PODS)),
        (NODES, "n", ("10.0.0.9", 10250, TO_NODES)),
        (NODES, "n:10250", ("10.0.0.9", 10250, TO_NODES)),
        (NODES, "n:80", ("10.0.0.9", 80, None)),
        (NODES, "https:n:443", ("10.0.0.9", 443, TO_PODS)),
    ],
)
async def test_a_name_leads_to(places: Proxied, resource: object, text: str, expected: tuple[object, ...]) -> None:
    found = places.location(resource, "" if resource == NODES else "demo", text, "/x")  # type: ignore[arg-type]
    assert (found.host, found.port, found.tls) == expected


@pytest.mark.parametrize(
    ("resource", "text", "error", "message"),
    [
        (PODS, "nosuch", NotFound, 'pods "nosuch" not found'),
        (PODS, "a:http", BadRequest, 'invalid port "http"'),
        (PODS, "a:99999", BadRequest, 'invalid port "99999"'),
        (SERVICES, "s", ServiceUnavailable, 'no endpoints available for service "s"'),  # its ports have names
        (SERVICES, "s:8080", ServiceUnavailable, 'no service port 8080 found for service "s"'),
        (SERVICES, "s:nosuch", ServiceUnavailable, 'no endpoints available for service "s:nosuch"'),
        (SERVICES, "nosuch:80", NotFound, 'services "nosuch" not found'),
        (SERVICES, "nosuch", NotFound, 'endpoints "nosuch" not found'),
        (NODES, "nosuch", NotFound, 'nodes "nosuch" not found'),
    ],
)
async def test_a_name_that_leads_nowhere_says_why(
    places: Proxied, resource: object, text: str, error: type[ApiError], message: str
) -> None:
    with pytest.raises(error, match=message):
        places.location(resource, "" if resource == NODES else "demo", text, "/x")  # type: ignore[arg-type]


async def test_a_pod_without_an_address_cannot_be_reached(cluster: Cluster, places: Proxied) -> None:
    await cluster.client.create(PODS, pod("new"), "demo")
    with pytest.raises(BadRequest, match="address not allowed"):
        places.location(PODS, "demo", "new", "/x")


@pytest.mark.parametrize(
    "address",
    [
        {"ip": "10.0.0.1"},
        {"ip": "10.0.0.1", "targetRef": {"kind": "Node", "name": "n"}},
        {"ip": "10.0.0.1", "targetRef": {"kind": "Pod", "name": "a", "namespace": "other"}},
        {"ip": "10.0.0.1", "targetRef": {"kind": "Pod", "name": "nosuch", "namespace": "demo"}},
        {"ip": "10.0.0.3", "targetRef": {"kind": "Pod", "name": "a", "namespace": "demo"}},
    ],
)
async def test_an_endpoint_that_is_no_pods_is_never_proxied_to(
    cluster: Cluster, places: Proxied, address: dict[str, object]
) -> None:
    await cluster.client.create(SERVICES, service("open", 80, clusterIP="None"), "demo")
    subsets = [{"addresses": [address], "ports": [{"port": 80}]}]
    await cluster.client.create(ENDPOINTS, {"metadata": {"name": "open"}, "subsets": subsets}, "demo")
    with pytest.raises(ServiceUnavailable, match="no endpoints available"):
        places.location(SERVICES, "demo", "open", "/x")


async def test_a_headless_service_is_reached_at_each_of_its_ready_pods(
    cluster: Cluster, places: Proxied, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cluster.client.create(SERVICES, service("many", 8080, clusterIP="None"), "demo")
    both = (
        endpoints("a", "10.0.0.1", ports={"": 8080})["subsets"]
        + endpoints("plain", "10.0.0.2", ports={"": 80})["subsets"]
    )
    both[0]["notReadyAddresses"] = [{"ip": "10.0.0.3"}]
    await cluster.client.create(ENDPOINTS, {"metadata": {"name": "many"}, "subsets": both}, "demo")
    found = set()
    for order in (lambda items: None, lambda items: items.reverse()):
        monkeypatch.setattr(proxied.random, "shuffle", order)
        found.add(places.location(SERVICES, "demo", "many", "/x").host)
    assert found == {"10.0.0.1", "10.0.0.2"}
