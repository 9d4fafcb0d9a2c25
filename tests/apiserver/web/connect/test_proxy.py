"""The API's proxy of pods, services and nodes, over HTTPS, to backends on loopback ports."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.apiserver.harness import Cluster
from tests.apiserver.samples import node, pod, service
from tests.apiserver.web.connect.backend import PAGE, Backend, endpoints
from wherry.apiserver.web.connect import proxied
from wherry.apiserver.web.connect.location import Location
from wherry.objects.resource import ENDPOINTS, NODES, PODS, ROLE_BINDINGS, SERVICES

POD = "/api/v1/namespaces/demo/pods/web/proxy"
SERVICE = "/api/v1/namespaces/demo/services/web/proxy"


ADDRESS = "10.9.9.9"


@pytest.fixture(autouse=True)
def pods_and_nodes_are_on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """All have one address, which leads to loopback: loopback itself is barred."""
    monkeypatch.setattr(proxied, "Location", lambda host, *rest: Location(host.replace(ADDRESS, "127.0.0.1"), *rest))


@pytest.fixture
async def backend(cluster: Cluster) -> AsyncIterator[Backend]:
    """A backend, as the only port of pod `web` and the endpoint of service `web`."""
    async with Backend() as server:
        await _add_pod(cluster, "web", server.port)
        await cluster.client.create(SERVICES, service("web"), "demo")
        await cluster.client.create(ENDPOINTS, endpoints("web", ADDRESS, ports={"": server.port}), "demo")
        yield server


@pytest.fixture
async def session(cluster: Cluster) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the server, with the administrator's certificate."""
    context = ssl.create_default_context(cafile=str(cluster.directory / "ca.crt"))
    context.load_cert_chain(cluster.directory / "admin.crt", cluster.directory / "admin.key")
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(cluster.url, connector=connector) as session:
        yield session


async def _add_pod(cluster: Cluster, name: str, port: int) -> None:
    containers = [{"name": "c", "image": "i", "ports": [{"containerPort": port}]}]
    await cluster.client.create(PODS, pod(name, containers=containers), "demo")
    status = {"podIP": ADDRESS, "podIPs": [{"ip": ADDRESS}]}
    await cluster.client.patch(PODS, name, {"status": status}, "demo", subresource="status")


@pytest.mark.parametrize("prefix", [POD, SERVICE])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_every_method_reaches_the_backend_with_path_query_headers_and_body(
    backend: Backend, session: aiohttp.ClientSession, prefix: str, method: str
) -> None:
    body = None if method in ("GET", "OPTIONS") else b"body"
    headers = {"X-Mine": "1", "Cookie": "c=d", "Impersonate-User": "admin", "Impersonate-Group": "system:masters"}
    async with session.request(method, f"{prefix}/a%2Fb/c%20d?x=1&x=%2F", data=body, headers=headers) as answer:
        assert (answer.status, await answer.read()) == (200, body or b"hello")
        assert answer.headers["X-Own"] == "1"
        assert answer.headers["Set-Cookie"] == "a=b"
        assert not {"Keep-Alive", "Access-Control-Allow-Origin"} & set(answer.headers)
    got = backend.last()
    assert (got[0], got[3]) == (method, body or b"")
    assert got[1].replace("%2F", "/") == "/a/b/c%20d?x=1&x=/"
    assert got[2]["X-Mine"] == "1"
    assert got[2]["Cookie"] == "c=d"
    assert got[2]["X-Forwarded-For"] == "127.0.0.1"
    assert got[2]["X-Forwarded-Uri"].startswith(prefix)
    assert not [name for name in got[2] if name.startswith("Impersonate-")]


async def test_a_token_for_us_is_not_shown_to_the_backend(cluster: Cluster, backend: Backend) -> None:
    rule = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "name": "edit"}
    subject = {"kind": "ServiceAccount", "name": "default", "namespace": "demo"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": rule["name"]}
    bound = {"metadata": {"name": "edit"}, "roleRef": role, "subjects": [subject]}
    await cluster.client.create(ROLE_BINDINGS, bound, "demo")
    _, _, token = await cluster.request("POST", "/api/v1/namespaces/demo/serviceaccounts/default/token", {"spec": {}})
    bearer = f"Bearer {token['status']['token']}"
    status, _, body = await cluster.request("GET", f"{POD}/x", user="", Authorization=bearer)
    assert (status, body) == (200, "hello")
    assert "Authorization" not in backend.last()[2]


async def test_an_empty_path_is_led_to_one_with_a_slash(backend: Backend, session: aiohttp.ClientSession) -> None:
    for method in ("GET", "HEAD"):
        async with session.request(method, f"{POD}?a=b", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (301, f"{POD}/?a=b")
    async with session.post(POD, data=b"x") as answer:
        assert answer.status == 200
    assert backend.last()[1] == "/"


async def test_head_tells_the_length_and_sends_nothing(backend: Backend, session: aiohttp.ClientSession) -> None:
    async with session.head(f"{POD}/x") as answer:
        assert (answer.status, answer.headers["Content-Length"], await answer.read()) == (200, "5", b"")


@pytest.mark.parametrize("status", [204, 304, 404, 500, 503])
async def test_the_backends_own_failures_are_passed_on(
    backend: Backend, session: aiohttp.ClientSession, status: int
) -> None:
    async with session.get(f"{POD}/x?status={status}") as answer:
        assert (answer.status, answer.headers["X-Own"]) == (status, "1")


async def test_links_of_a_page_lead_through_the_proxy(backend: Backend, session: aiohttp.ClientSession) -> None:
    async with session.get(f"{SERVICE}/page") as answer:
        assert await answer.read() == PAGE.replace(b"/next", f"{SERVICE}/next".encode())


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("/next?a=b", f"{POD}/next?a=b"),
        ("next", "next"),
        ("http://127.0.0.1:{port}/next", f"{POD}/next"),
        ("http://elsewhere/", "http://elsewhere/"),
    ],
)
async def test_a_redirect_leads_through_the_proxy(
    backend: Backend, session: aiohttp.ClientSession, to: str, expected: str
) -> None:
    query = {"to": to.format(port=backend.port)}
    async with session.get(f"{POD}/redirect", params=query, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, expected)


async def test_a_body_is_passed_on_as_it_comes(backend: Backend, session: aiohttp.ClientSession) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        async with asyncio.timeout(5):
            await backend.more.wait()  # the backend has the start before we send the rest
        assert backend.got == b"first"
        for _ in range(64):
            yield b"x" * 65536

    async with session.post(f"{POD}/up", data=body()) as answer:
        assert await answer.text() == str(5 + 64 * 65536)


async def test_an_answer_is_passed_on_as_it_comes(backend: Backend, session: aiohttp.ClientSession) -> None:
    async with session.get(f"{POD}/slow") as answer:
        assert await answer.content.readexactly(3) == b"one"
        backend.more.set()
        assert await answer.read() == b"two"


async def test_an_answer_larger_than_any_buffer_arrives_whole(backend: Backend, session: aiohttp.ClientSession) -> None:
    async with session.get(f"{POD}/down?count=160") as answer:
        assert len(await answer.read()) == 160 * 65536


async def test_a_client_is_told_when_an_answer_breaks_off(backend: Backend, session: aiohttp.ClientSession) -> None:
    async with session.get(f"{POD}/broken") as answer:
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            await answer.read()


async def test_a_websocket_passes(backend: Backend, session: aiohttp.ClientSession) -> None:
    async with session.ws_connect(f"{SERVICE}/ws?room=1", protocols=("chat",)) as socket:
        assert socket.protocol == "chat"
        assert await socket.receive_str() == "welcome"
        await socket.send_str("hello")
        assert await socket.receive_str() == "HELLO"
    assert backend.last()[1] == "/ws?room=1"


async def test_an_upgrade_that_is_refused_is_an_answer(backend: Backend, session: aiohttp.ClientSession) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "other"}
    async with session.get(f"{POD}/x?status=403", headers=headers) as answer:
        assert (answer.status, await answer.read()) == (403, b"hello")
    async with session.get(f"{POD}/x", headers=headers) as answer:
        assert answer.status == 500
        assert "invalid upgrade response: status code 200" in (await answer.json())["message"]


async def test_https_backends_are_reached_whatever_their_certificate(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cluster.directory / "admin.crt", cluster.directory / "admin.key")
    async with Backend(context) as backend:
        await _add_pod(cluster, "safe", backend.port)
        async with session.get(f"/api/v1/namespaces/demo/pods/https:safe:{backend.port}/proxy/x") as answer:
            assert (answer.status, await answer.read()) == (200, b"hello")
        async with session.ws_connect("/api/v1/namespaces/demo/pods/https:safe:/proxy/ws") as socket:
            assert await socket.receive_str() == "welcome"


async def test_a_node_is_reached_at_its_agent_or_another_port(cluster: Cluster, session: aiohttp.ClientSession) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(cluster.directory / "ca.crt"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(cluster.directory / "server.crt", cluster.directory / "server.key")
    async with Backend(context) as agent, Backend() as other:
        await cluster.client.create(NODES, node("n1", ADDRESS, agent.port))
        for name in ("n1", f"n1:{agent.port}"):
            async with session.get(f"/api/v1/nodes/{name}/proxy/logs/x") as answer:
                assert (answer.status, agent.last()[1]) == (200, "/logs/x")
        async with session.get(f"/api/v1/nodes/http:n1:{other.port}/proxy/y") as answer:
            assert (answer.status, other.last()[1]) == (200, "/y")


async def test_what_cannot_be_reached_is_said_in_a_status(cluster: Cluster, backend: Backend) -> None:
    await _add_pod(cluster, "dead", 1)
    status, _, body = await cluster.request("GET", "/api/v1/namespaces/demo/pods/dead/proxy/")
    assert (status, body["reason"]) == (503, "ServiceUnavailable")
    why = "dial tcp 127.0.0.1:1: connect: connection refused"
    assert body["message"] == f"error trying to reach service: {why}"
    headers = {"Connection": "Upgrade", "Upgrade": "websocket"}
    status, _, body = await cluster.request("GET", "/api/v1/namespaces/demo/pods/dead/proxy/", **headers)
    assert (status, body["message"]) == (500, f"Internal error occurred: error dialing backend: {why}")


@pytest.mark.parametrize(
    ("method", "verb"),
    [("GET", "get"), ("HEAD", ""), ("POST", "create"), ("PUT", "update"), ("PATCH", "patch"), ("DELETE", "delete")],
)
async def test_each_method_needs_its_own_verb_on_the_subresource(
    cluster: Cluster, backend: Backend, method: str, verb: str
) -> None:
    cluster.issue("jane", "jane")
    if method == "HEAD":
        return
    status, _, body = await cluster.request(method, f"{SERVICE}/x", user="jane")
    assert status == 403
    assert f'cannot {verb} resource "services/proxy" in API group ""' in body["message"]
    assert body["details"] == {"name": "web", "kind": "services"}
    assert not backend.requests


async def test_only_the_methods_of_http_are_passed_on(cluster: Cluster, backend: Backend) -> None:
    status, _, body = await cluster.request("TRACE", f"{POD}/x")
    assert (status, body["message"]) == (405, 'trace is not supported on resources of kind "pods/proxy"')


async def test_kubectl_gets_through_the_proxy(cluster: Cluster, backend: Backend) -> None:
    assert await cluster.kubectl("get", "--raw", f"{SERVICE}/x") == (0, "hello", "")
    code, _, err = await cluster.kubectl("get", "--raw", "/api/v1/namespaces/demo/services/nosuch/proxy/")
    assert code == 1
    assert 'endpoints "nosuch" not found' in err
