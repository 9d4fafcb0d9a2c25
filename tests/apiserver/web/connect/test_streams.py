"""What a pod's node answers: logs as they come, upgrades as raw bytes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator

import pytest

from tests.apiserver.harness import Cluster
from tests.apiserver.samples import binding, node, pod
from tests.apiserver.web.connect.nodeserver import NodeServer
from wherry.objects.resource import NODES, PODS, ROLE_BINDINGS, ROLES

PATH = "/api/v1/namespaces/demo/pods/a"
SPDY = ("Connection: Upgrade", "Upgrade: SPDY/3.1", "X-Stream-Protocol-Version: v4.channel.k8s.io")
WEBSOCKET = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: v5.channel.k8s.io",
)


@pytest.fixture
async def kubelet(cluster: Cluster) -> AsyncIterator[NodeServer]:
    """A node that runs pod `a`."""
    async with NodeServer(cluster.directory) as server:
        await cluster.client.create(NODES, node("n1", port=server.port))
        two = [{"name": "c", "image": "i"}, {"name": "d", "image": "i"}]
        for made in (pod("a"), pod("two", containers=two), pod("floating")):
            await cluster.client.create(PODS, made, "demo")
        for name in ("a", "two"):
            await cluster.client.create(PODS, binding(name, "n1"), "demo", name=name, subresource="binding")
        yield server


class RawClient:
    """A connection of the admin to the server, spoken to in bytes."""

    def __init__(self, cluster: Cluster):
        self._cluster = cluster

    async def __aenter__(self) -> RawClient:
        context = ssl.create_default_context(cafile=str(self._cluster.directory / "ca.crt"))
        context.load_cert_chain(self._cluster.directory / "admin.crt", self._cluster.directory / "admin.key")
        port = self._cluster.sock.getsockname()[1]
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    async def ask(self, request: str, *headers: str) -> str:
        self.writer.write("\r\n".join([f"{request} HTTP/1.1", "Host: x", *headers, "", ""]).encode())
        async with asyncio.timeout(5):
            return (await self.reader.readuntil(b"\r\n\r\n")).decode()

    async def expect(self, data: bytes) -> None:
        async with asyncio.timeout(5):
            assert await self.reader.readexactly(len(data)) == data


@pytest.mark.parametrize(
    ("method", "headers"), [("POST", (*SPDY, "Content-Length: 0")), ("GET", SPDY), ("GET", WEBSOCKET)]
)
async def test_an_upgrade_becomes_a_tunnel(
    cluster: Cluster, kubelet: NodeServer, method: str, headers: tuple[str, ...]
) -> None:
    async with RawClient(cluster) as client:
        head = await client.ask(f"{method} {PATH}/exec?command=sh&command=-c&stdin=true&container=c", *headers)
        assert head.startswith("HTTP/1.1 101 Switching Protocols\r\n")
        await client.expect(b"hello ")
        client.writer.write(b"abc")
        await client.expect(b"ABC")
        client.writer.write(b"bye")
        await client.expect(b"BYE")
        async with asyncio.timeout(5):
            assert await client.reader.read() == b""
    sent = kubelet.heads[-1]
    assert sent.startswith(f"{method} /exec/demo/a/c?command=sh&command=-c&stdin=true HTTP/1.1\r\n")
    assert all(header in sent for header in headers if not header.startswith("Content-Length"))


async def test_a_client_that_waits_to_be_asked_for_its_body_is_asked(cluster: Cluster) -> None:
    """curl waits a second before it sends a long one all the same."""
    body = b'{"metadata": {"name": "asked"}}'
    headers = (f"Content-Length: {len(body)}", "Content-Type: application/json", "Expect: 100-continue")
    async with RawClient(cluster) as client:
        head = await client.ask("POST /api/v1/namespaces/demo/configmaps", *headers)
        assert head == "HTTP/1.1 100 Continue\r\n\r\n"
        client.writer.write(body)
        async with asyncio.timeout(5):
            assert (await client.reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 201 ")


async def test_much_data_passes_both_ways(cluster: Cluster, kubelet: NodeServer) -> None:
    size = 3 << 20
    async with RawClient(cluster) as client:
        await client.ask(f"POST {PATH}/attach", *SPDY)
        await client.expect(b"hello ")

        async def send() -> None:
            for _ in range(size // (1 << 16)):
                client.writer.write(b"x" * (1 << 16))
                await client.writer.drain()

        sending = asyncio.create_task(send())
        await client.expect(b"X" * size)
        await sending


async def test_the_node_is_told_when_the_client_goes(cluster: Cluster, kubelet: NodeServer) -> None:
    async with RawClient(cluster) as client:
        await client.ask(f"POST {PATH}/portforward", *SPDY)
    async with asyncio.timeout(5):
        await kubelet.closed.wait()
    assert kubelet.heads[-1].startswith("POST /portForward/demo/a HTTP/1.1\r\n")


async def test_a_nodes_refusal_is_passed_on_and_the_connection_lives(cluster: Cluster, kubelet: NodeServer) -> None:
    async with RawClient(cluster) as client:
        for _ in range(2):
            head = await client.ask(f"POST {PATH}/exec?command=refuse", *SPDY, "Content-Length: 0")
            assert head.startswith("HTTP/1.1 403 ")
            await client.expect(b"no way")


async def test_logs_come_as_the_node_sends_them(cluster: Cluster, kubelet: NodeServer) -> None:
    assert (await cluster.request("GET", f"{PATH}/log"))[2] == "one\n"
    assert (await cluster.request("GET", f"{PATH}/log?follow=true&container=c"))[2] == "one\ntwo\n"
    assert kubelet.heads[-1].startswith("GET /containerLogs/demo/a/c?follow=true HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("missing/log", 404, 'pods "missing" not found'),
        ("floating/log", 400, "pod floating does not have a host assigned"),
        ("two/log", 400, "a container name must be specified for pod two, choose one of: [c d]"),
        ("a/log?container=x", 400, "container x is not valid for pod a"),
        ("a/log?refuse=1", 403, "no way"),
        ("a/exec?command=x", 400, "Upgrade request required"),
    ],
)
async def test_what_cannot_be_asked_of_a_node_is_refused(
    cluster: Cluster, kubelet: NodeServer, path: str, status: int, text: str
) -> None:
    answered, _, body = await cluster.request("GET", f"/api/v1/namespaces/demo/pods/{path}")
    assert (answered, body["message"]) == (status, text)


async def test_a_node_that_is_away_is_said_to_be(cluster: Cluster, kubelet: NodeServer) -> None:
    status = {"daemonEndpoints": {"kubeletEndpoint": {"Port": 1}}}
    await cluster.client.patch(NODES, "n1", {"status": status}, subresource="status")
    for path in ("log", "exec?command=x"):
        answered, _, body = await cluster.request("GET", f"{PATH}/{path}", Upgrade="SPDY/3.1", Connection="Upgrade")
        assert answered == 500
        assert "127.0.0.1:1" in body["message"]


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"nonsense\r\n\r\n", b"HTTP/1.1 101"])
async def test_a_node_that_breaks_off_before_it_answers_is_said_to(cluster: Cluster, said: bytes) -> None:
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cluster.directory / "server.crt", cluster.directory / "server.key")
    async with await asyncio.start_server(close, "127.0.0.1", 0, ssl=context) as server:
        await cluster.client.create(NODES, node("n1", port=server.sockets[0].getsockname()[1]))
        await cluster.client.create(PODS, pod("a", nodeName="n1"), "demo")
        async with asyncio.timeout(5):
            answered, _, body = await cluster.request(
                "GET", f"{PATH}/exec?command=x", Upgrade="SPDY/3.1", Connection="Upgrade"
            )
    assert (answered, "the other side did not answer" in body["message"]) == (500, True)


async def test_a_head_of_a_log_is_refused(cluster: Cluster, kubelet: NodeServer) -> None:
    async with RawClient(cluster) as client:
        assert (await client.ask(f"HEAD {PATH}/log")).startswith("HTTP/1.1 405 ")
    assert not kubelet.heads


async def test_streams_are_authorised_by_their_own_names(cluster: Cluster, kubelet: NodeServer) -> None:
    cluster.issue("jane", "jane")
    for method, name, verb in (("GET", "log", "get"), ("POST", "exec", "create"), ("GET", "attach", "get")):
        status, _, body = await cluster.request(method, f"{PATH}/{name}", user="jane")
        assert status == 403
        assert f'cannot {verb} resource "pods/{name}"' in body["message"]
    assert not kubelet.heads


async def test_to_read_is_not_to_run(cluster: Cluster, kubelet: NodeServer) -> None:
    """A WebSocket begins as a GET: the right to `get` alone is not enough to begin a session."""
    cluster.issue("reader", "reader")
    rule = {"apiGroups": [""], "resources": ["pods", "pods/exec", "pods/log"], "verbs": ["get"]}
    await cluster.client.create(ROLES, {"metadata": {"name": "read"}, "rules": [rule]}, "demo")
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "read"}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "reader"}
    bound = {"metadata": {"name": "read"}, "roleRef": reference, "subjects": [subject]}
    await cluster.client.create(ROLE_BINDINGS, bound, "demo")
    assert (await cluster.request("GET", f"{PATH}/log", user="reader"))[0] == 200
    status, _, body = await cluster.request("GET", f"{PATH}/exec?command=x", user="reader")
    assert status == 403
    assert 'cannot create resource "pods/exec"' in body["message"]
