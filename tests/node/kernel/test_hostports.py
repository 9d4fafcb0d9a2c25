"""Host ports of real pods."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess

import pytest

from tests.node.kernel.world import ADDRESS, World
from wherry.node.pods.plan.admission import NODE_PORTS

pytestmark = pytest.mark.kernel


ECHO = """
import os, socket, sys
kind = socket.SOCK_DGRAM if sys.argv[1] == "UDP" else socket.SOCK_STREAM
own = socket.socket(socket.AF_INET, kind)
own.bind(("", 8080))
name = os.environ["HOSTNAME"].encode()
if kind == socket.SOCK_DGRAM:
    while True:
        own.sendto(name, own.recvfrom(9)[1])
own.listen()
while True:
    one, _ = own.accept()
    one.sendall(name)
    one.close()
"""


class TestHostPorts:
    PORT = 54323

    async def serve(self, node: World, name: str, protocol: str, address: str = "") -> None:
        port = {"containerPort": 8080, "hostPort": self.PORT, "protocol": protocol, "hostIP": address}
        (node.disk / "echo.py").write_text(ECHO)
        code = {"name": "code", "hostPath": {"path": str(node.disk)}}
        container = {
            "command": ["python3", "/code/echo.py", protocol],
            "ports": [port],
            "volumeMounts": [{"name": "code", "mountPath": "/code"}],
        }
        if protocol == "TCP":
            container["readinessProbe"] = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
        node.create(name, container=container, volumes=[code])
        await node.running(name)

    async def ask(self, protocol: str, address: str, source: str = "") -> str:
        """Return the name of the pod that answers at the port."""
        kind = socket.SOCK_DGRAM if protocol == "UDP" else socket.SOCK_STREAM
        with socket.socket(socket.AF_INET, kind) as own:
            own.settimeout(20)
            if source:
                own.bind((source, 0))
            await asyncio.to_thread(own.connect, (address, self.PORT))
            if protocol == "UDP":
                own.send(b"who")
            return (await asyncio.to_thread(own.recv, 99)).decode()

    async def test_pods_share_one_by_address_and_protocol_and_it_is_reached_on_the_loopback(self, node: World):
        await self.serve(node, "one", "TCP", "127.0.0.1")
        await self.serve(node, "two", "TCP", ADDRESS)
        await self.serve(node, "three", "UDP", ADDRESS)
        assert await self.ask("TCP", "127.0.0.1") == "one"
        assert await self.ask("TCP", "127.0.0.1", source=ADDRESS) == "one"
        assert await self.ask("TCP", ADDRESS) == "two"
        await node.until("the datagram's answer", self.answers_by_udp)
        assert await self.ask("UDP", ADDRESS) == "three"

    def answers_by_udp(self) -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.settimeout(0.2)
            own.connect((ADDRESS, self.PORT))
            with contextlib.suppress(OSError):
                own.send(b"who")
                return bool(own.recv(99))
            return False

    async def test_a_pod_bound_past_the_scheduler_to_a_port_that_is_taken_is_rejected(self, node: World):
        await self.serve(node, "one", "TCP")
        port = {"containerPort": 8080, "hostPort": self.PORT, "hostIP": ADDRESS}
        node.create("two", container={"ports": [port]})
        await node.until("rejected", lambda: node.status("two").get("phase") == "Failed")
        assert node.status("two")["reason"] == "NodePorts"
        assert node.events("NodePorts") == [NODE_PORTS.message]
        assert await self.ask("TCP", ADDRESS) == "one"

    async def test_one_on_every_address_is_reached_on_the_loopback_and_the_pod_gets_no_further(self, node: World):
        await self.serve(node, "every", "TCP")
        assert await self.ask("TCP", "127.0.0.1") == await self.ask("TCP", ADDRESS) == "every"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as private:
            private.bind(("127.0.0.1", 0))
            private.settimeout(0.5)
            way_in = "ip route flush table local dev lo; ip route add 127.0.0.1 via 10.244.1.1 dev eth0"
            script = f"{way_in}; echo knock > /dev/udp/127.0.0.1/{private.getsockname()[1]}"
            namespace = next((node.config.run_dir / "pods").glob("*/net"))
            command = ["nsenter", f"--net={namespace}", "bash", "-c", script]
            await asyncio.to_thread(subprocess.run, command, check=True)
            with pytest.raises(TimeoutError):
                await asyncio.to_thread(private.recv, 9)
