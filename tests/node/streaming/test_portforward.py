"""Connections into a pod's network namespace."""

import asyncio
import os
import socket
import subprocess

import pytest

from wherry.net import namespaces
from wherry.node.streaming.portforward import ForwardTarget, parse_ports
from wherry.objects.errors import BadRequest


@pytest.fixture
def network(tmp_path):
    """A network namespace with its loopback up."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    path = tmp_path / "pod"
    namespaces.create(path)
    try:
        subprocess.run(["nsenter", f"--net={path}", "ip", "link", "set", "lo", "up"], check=True)
        yield path
    finally:
        namespaces.delete(path)


def listen(family: socket.AddressFamily, host: str) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.bind((host, 8002))
    listener.listen()
    return listener


@pytest.mark.kernel
@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
async def test_a_port_is_that_of_the_pods_own_loopback(network, family, host):
    with namespaces.run(network, listen, family, host) as listener:
        reader, writer = await ForwardTarget("demo", "web", network).connect(8002)
        accepted, _ = listener.accept()
        with accepted:
            accepted.sendall(b"from inside")
        assert await reader.read() == b"from inside"
        writer.close()
        await writer.wait_closed()


@pytest.mark.kernel
async def test_what_listens_outside_the_pod_is_not_reached(network):
    async with await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0) as server:
        with pytest.raises(ConnectionRefusedError):
            await ForwardTarget("demo", "web", network).connect(server.sockets[0].getsockname()[1])


@pytest.mark.parametrize(
    ("values", "ports"), [(["80"], [80]), (["80,8080"], [80, 8080]), (["80", "443, 1"], [80, 443, 1])]
)
def test_ports_come_repeated_or_with_commas(values, ports):
    assert parse_ports(values) == ports


@pytest.mark.parametrize("values", [[], [""], ["0"], ["65536"], ["http"], ["80,x"], ["²"]])
def test_what_is_no_port_is_refused(values):
    with pytest.raises(BadRequest):
        parse_ports(values)
