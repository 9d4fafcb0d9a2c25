"""The whole way: kubectl, the API server over HTTPS, the node over mutual TLS."""

import asyncio
import ssl
from contextlib import suppress

import aiohttp
import pytest

from tests.apiserver.harness import KUBECTL, Cluster, give_default_accounts
from tests.client.contract.conftest import prepare
from wherry.node.streaming.server import StreamingServer, server_tls
from wherry.objects.resource import NODES, PODS

VERSIONS = [version for version, path in KUBECTL.items() if path.exists()]


@pytest.fixture
async def cluster(tmp_path, runtime):
    """An API server with pod demo/web bound to a node whose streaming server runs with real certificates."""
    async with Cluster(tmp_path) as cluster:
        cluster.issue("node", "system:node:n1", "system:nodes")
        tls = server_tls(tmp_path / "node.crt", tmp_path / "node.key", tmp_path / "ca.crt")
        node = StreamingServer(runtime, "127.0.0.1", 0, tls=tls)
        await node.start()
        cluster.node = node
        await prepare(cluster.client)
        await give_default_accounts(cluster.client, "demo")
        await _bind(cluster, node.port)
        yield cluster
        await node.stop()


async def _bind(cluster: Cluster, port: int) -> None:
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
    }
    await cluster.client.create(NODES, {"metadata": {"name": "n1"}, "status": status})
    spec = {"containers": [{"name": "main", "image": "x", "stdin": True}]}
    await cluster.client.create(PODS, {"metadata": {"name": "web"}, "spec": spec}, "demo")
    binding = {"metadata": {"name": "web"}, "target": {"kind": "Node", "name": "n1"}}
    await cluster.client.create(PODS, binding, "demo", name="web", subresource="binding")
    running = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    await cluster.client.patch(PODS, "web", {"status": running}, "demo", subresource="status")


@pytest.mark.parametrize("version", VERSIONS)
async def test_exec_and_logs_and_their_failures(cluster, runtime, version):
    runtime.log_path.write_bytes(b"2026-01-01T00:00:00Z stdout F one\n2026-01-01T00:00:01Z stdout F two\n")

    async def kubectl(*words: str, **options: str) -> tuple[int, str, str]:
        return await cluster.kubectl("-n", "demo", *words, version=version, **options)

    assert await kubectl("exec", "web", "--", "sh", "-c", "echo out; echo err >&2; exit 3") == (
        3,
        "out\n",
        "err\ncommand terminated with exit code 3\n",
    )
    text = "boat" * 100_000
    assert (await kubectl("exec", "-i", "web", "--", "cat", input=text))[1] == text
    assert (await kubectl("logs", "web", "--tail=1"))[:2] == (0, "two\n")
    code, _, err = await kubectl("logs", "web", "--previous")
    assert (code, "previous terminated container" in err) == (1, True)
    runtime.pid = 0
    code, _, err = await kubectl("exec", "web", "--", "true")
    assert (code, 'container "main" in pod "web" is not running' in err) == (1, True)


@pytest.mark.parametrize("user", [("admin", "system:masters"), ("mallory", "dev"), ("system:node:n2", "system:nodes")])
async def test_only_the_api_server_and_administrators_may_use_a_node_directly(cluster, user):
    cluster.issue("someone", *user)
    context = ssl.create_default_context(cadata=cluster.authority.pem.decode())
    context.load_cert_chain(cluster.directory / "someone.crt", cluster.directory / "someone.key")
    async with aiohttp.ClientSession() as session:
        url = f"https://127.0.0.1:{cluster.node.port}/pods"
        async with session.get(url, ssl=context) as answer:
            assert answer.status == (200 if "system:masters" in user else 403)


async def test_without_a_certificate_nobody_gets_in(cluster):
    context = ssl.create_default_context(cadata=cluster.authority.pem.decode())
    async with aiohttp.ClientSession() as session:
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            async with session.get(f"https://127.0.0.1:{cluster.node.port}/pods", ssl=context):
                pass


@pytest.mark.parametrize("version", VERSIONS)
async def test_port_forward(cluster, version):
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            writer.write((await reader.readline()).upper())
            await writer.drain()
        writer.close()

    target = await asyncio.start_server(shout, "127.0.0.1", 0)
    port = target.sockets[0].getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        str(KUBECTL[version].absolute()), "--kubeconfig", str(cluster.kubeconfig()), "-n", "demo", "port-forward",
        "--address", "127.0.0.1", "pod/web", f":{port}", stdout=-1, stderr=-1,
    )  # fmt: skip
    try:
        async with asyncio.timeout(15):
            line = await process.stdout.readline()
            reader, writer = await asyncio.open_connection("127.0.0.1", int(line.split(b"127.0.0.1:")[1].split()[0]))
            writer.write(b"boat\n")
            assert await reader.read() == b"BOAT\n"
            writer.close()
    finally:
        process.kill()
        await process.communicate()
        target.close()
