"""exec, attach and port-forward over WebSocket channels, as the Python clients speak them, and what is refused."""

import asyncio
import base64
import json
import socket
from contextlib import asynccontextmanager, suppress
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import WSMsgType
from yarl import URL

STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255


@asynccontextmanager
async def connected(server, path: str, *protocols: str):
    url = f"http://127.0.0.1:{server.port}{path}"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(URL(url, encoded=True), protocols=protocols) as socket,
    ):
        yield socket


async def collect(socket) -> dict[int, bytes]:
    """Return what each channel carried until the server closed."""
    channels: dict[int, bytes] = {}
    async with asyncio.timeout(10):
        async for message in socket:
            data = message.data
            if message.type is WSMsgType.TEXT:
                data = bytes([ord(data[0]) - ord("0")]) + base64.b64decode(data[1:])
            channels[data[0]] = channels.get(data[0], b"") + data[1:]
    return channels


def exec_path(script: str, more: str = "") -> str:
    return f"/exec/demo/web/main?output=1&error=1&command=sh&command=-c&command={quote(script)}{more}"


@pytest.mark.parametrize("protocol", ["v5.channel.k8s.io", "v4.channel.k8s.io", "v4.base64.channel.k8s.io"])
async def test_from_v4_on_the_exit_code_comes_as_a_status(server, protocol):
    async with connected(server, exec_path("echo out; echo err >&2; exit 3"), protocol) as socket:
        assert socket.protocol == protocol
        got = await collect(socket)
        assert socket.close_code == 1000
    assert (got[STDOUT], got[STDERR]) == (b"out\n", b"err\n")
    status = json.loads(got[ERROR])
    assert (status["status"], status["reason"]) == ("Failure", "NonZeroExitCode")
    assert status["details"]["causes"] == [{"reason": "ExitCode", "message": "3"}]


@pytest.mark.parametrize("protocols", [(), ("channel.k8s.io",), ("base64.channel.k8s.io",)])
async def test_before_v4_a_failure_is_a_line_of_text(server, protocols):
    async with connected(server, exec_path("echo out; exit 3"), *protocols) as socket:
        got = await collect(socket)
    assert got[STDOUT] == b"out\n"
    assert got[ERROR] == b"command terminated with non-zero exit code: exit status 3"


async def test_success_is_a_status_too(server):
    async with connected(server, exec_path("true"), "v4.channel.k8s.io") as socket:
        got = await collect(socket)
    assert json.loads(got[ERROR]) == {"metadata": {}, "status": "Success"}


async def test_the_first_message_is_empty_and_says_that_the_connection_stands(server):
    async with connected(server, exec_path("sleep 1"), "v4.channel.k8s.io") as socket:
        assert (await socket.receive(5)).data == bytes([STDOUT])


async def test_v5_can_close_stdin(server):
    async with connected(server, exec_path("cat", "&input=1"), "v5.channel.k8s.io") as socket:
        await socket.send_bytes(bytes([STDIN]) + b"boat")
        await socket.send_bytes(bytes([CLOSE, STDIN]))
        got = await collect(socket)
    assert got[STDOUT] == b"boat"


async def test_a_terminal_takes_its_size_from_the_resize_channel(server):
    path = "/exec/demo/web/main?output=1&input=1&tty=1&command=stty&command=size"
    async with connected(server, path, "v4.channel.k8s.io") as socket:
        await socket.send_bytes(bytes([RESIZE]) + b'{"Width":100,"Height":40}')
        got = await collect(socket)
    assert got[STDOUT].strip() == b"40 100"


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/exec/demo/web/main?command=true", 400, "at least 1 of stdin, stdout, stderr"),
        ("/exec/demo/web/main?output=1", 400, "must specify a command"),
        ("/exec/demo/web/other?output=1&command=true", 400, "container other is not valid for pod web"),
        ("/exec/demo/none/main?output=1&command=true", 404, 'pods "none" not found'),
        ("/exec/demo/web/main?output=1&command=true", 400, "Upgrade request required"),
        ("/portForward/demo/web?port=80", 400, "Upgrade request required"),
        ("/containerLogs/demo/web/main?tailLines=-1", 422, "tailLines: Invalid value: -1"),
        ("/containerLogs/demo/web/main?sinceTime=noon", 422, "sinceTime"),
        ("/containerLogs/demo/web/main?previous=true", 400, "previous terminated container"),
    ],
)
async def test_what_cannot_be_served_is_refused_with_a_status(server, path, status, text):
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{server.port}{path}") as answer:
        body = await answer.json()
    assert (answer.status, body["kind"], body["code"]) == (status, "Status", status)
    assert text in body["message"]


async def test_spdy_clients_that_speak_no_protocol_of_ours_are_refused(server):
    headers = {"Connection": "Upgrade", "Upgrade": "SPDY/3.1", "X-Stream-Protocol-Version": "v99.channel.k8s.io"}
    url = f"http://127.0.0.1:{server.port}/exec/demo/web/main?output=1&command=true"
    async with aiohttp.ClientSession() as session, session.post(url, headers=headers) as answer:
        assert answer.status == 403
        assert "unable to negotiate protocol" in (await answer.json())["message"]


@pytest.fixture
async def greeter():
    """A server that says what it got, once its client has finished."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            writer.write(b"got " + await reader.readline())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.mark.parametrize("protocol", ["v4.channel.k8s.io", "v4.base64.channel.k8s.io"])
async def test_port_forward_gives_each_port_two_channels_that_start_with_its_number(server, greeter, protocol):
    async with connected(server, f"/portForward/demo/web?port={greeter}&port=1", protocol) as socket:
        line = bytes([0]) + b"boat\n"
        if "base64" in protocol:
            await socket.send_str("0" + base64.b64encode(line[1:]).decode())
        else:
            await socket.send_bytes(line)
        got = await collect(socket)
    number = greeter.to_bytes(2, "little")
    assert got[0] == number + b"got boat\n"
    assert got[1] == number
    assert got[2] == b"\x01\x00"
    assert got[3].startswith(b"\x01\x00error forwarding port 1 to pod demo/web")


async def test_port_forward_needs_ports(server):
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        async with connected(server, "/portForward/demo/web", "v4.channel.k8s.io"):
            pass
    assert caught.value.status == 400


@pytest.fixture
def conmon(runtime):
    """A listener where conmon's would be."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(runtime.folder / "attach"))
        listener.listen()
        listener.setblocking(False)
        yield listener


async def test_attach_carries_the_containers_streams_until_it_ends(server, conmon):
    loop = asyncio.get_running_loop()
    async with connected(server, "/attach/demo/web/main?output=1&error=1&input=1", "v4.channel.k8s.io") as ws:
        container, _ = await loop.sock_accept(conmon)
        with container:
            container.setblocking(False)
            await ws.send_bytes(bytes([STDIN]) + b"hello")
            assert await loop.sock_recv(container, 100) == b"hello"
            await loop.sock_sendall(container, b"\x02out")
            await loop.sock_sendall(container, b"\x03err")
        got = await collect(ws)
    assert (got[STDOUT], got[STDERR]) == (b"out", b"err")
    assert json.loads(got[ERROR])["status"] == "Success"


async def test_a_client_that_detaches_leaves_the_container_alone(server, conmon):
    loop = asyncio.get_running_loop()
    async with connected(server, "/attach/demo/web/main?output=1&input=1", "v5.channel.k8s.io"):
        container, _ = await loop.sock_accept(conmon)
    container.setblocking(False)
    async with asyncio.timeout(5):
        assert await loop.sock_recv(container, 100) == b""
    container.close()


async def test_attach_without_a_container_behind_it_says_so(server):
    async with connected(server, "/attach/demo/web/main?output=1", "v4.channel.k8s.io") as ws:
        got = await collect(ws)
    assert "error attaching to container" in json.loads(got[ERROR])["message"]


async def test_the_nodes_pods_and_health_are_served(server):
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{server.port}/pods") as answer:
            assert [p["metadata"]["name"] for p in (await answer.json())["items"]] == ["web"]
        async with session.get(f"http://127.0.0.1:{server.port}/healthz") as answer:
            assert await answer.text() == "ok"
