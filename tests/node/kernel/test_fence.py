"""Who is told of a pod's address before the pod has it, and that it sends with no other."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest

from tests.node.kernel.world import ADDRESS, World
from wherry.net import namespaces
from wherry.objects.resource import EVENTS, PODS

pytestmark = pytest.mark.kernel


async def test_it_is_asked_before_the_pod_has_a_link_and_told_when_that_is_gone(node: World):
    node.create("web")
    await node.running("web")
    address = node.status("web")["podIP"]
    assert node.fence.asked == [("web", (address,), False)]
    await node.api.delete(PODS, "web", "demo", grace_period_seconds=0)
    await node.until("told", lambda: node.fence.left == [("web", False)])


async def test_a_pod_waits_for_it_and_says_why(node: World):
    node.fence.broken = 1
    node.create("web")
    await node.running("web")
    addresses = {address for _, address, _ in node.fence.asked}
    assert len(node.fence.asked) == 2
    assert addresses == {(node.status("web")["podIP"],)}
    await node.until(
        "an event", lambda: any("the rules are not ready" in event["message"] for event in node.api.peek_all(EVENTS))
    )


async def test_a_pod_of_the_nodes_network_needs_none(node: World):
    node.create("host", hostNetwork=True)
    await node.running("host")
    assert node.fence.asked == []


async def test_a_pod_sends_with_its_own_address_only(node: World):
    """NetworkPolicies judge addresses, and a pod has CAP_NET_RAW."""
    for name in ("one", "two"):
        node.create(name)
        await node.running(name)
    uid = node.api.peek(PODS, "one", "demo")["metadata"]["uid"]
    own, other = (node.status(name)["podIP"] for name in ("one", "two"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((ADDRESS, 0))
        server.settimeout(20)
        for source in (other, own):
            packet = datagram(source, server.getsockname(), source.encode())
            namespaces.run(node.config.run_dir / "pods" / uid / "net", send, packet)
        assert await asyncio.to_thread(server.recv, 100) == own.encode()


def datagram(source: str, target: tuple[str, int], content: bytes) -> bytes:
    """Return an IPv4 packet of UDP (RFC 791, 768), its checksums left to the kernel, or out."""
    udp = struct.pack("!HHHH", 9, target[1], 8 + len(content), 0) + content
    addresses = socket.inet_aton(source) + socket.inet_aton(target[0])
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, socket.IPPROTO_UDP, 0) + addresses + udp


def send(packet: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        raw.sendto(packet, (ADDRESS, 0))
