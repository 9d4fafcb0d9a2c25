"""The listeners of Services, over loopback: through the end of the process that has them, and its next start."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.cluster.test_relay import dial_tcp, dial_udp
from tests.fake.client import FakeClient
from wherry.cluster.config import ClusterConfig, Node
from wherry.cluster.hostforward.parking import Parking
from wherry.cluster.hostforward.plan import Listener
from wherry.cluster.hostforward.services import ServiceListeners
from wherry.component.component import Component
from wherry.objects import Object
from wherry.objects.resource import SERVICES

NODE, BIND = "127.0.0.1", "127.0.0.45"
CONFIG = ClusterConfig("t", (Node("n", (NODE,), ("10.244.0.0/24",)),), bind=BIND)


def service(port: int, name: str = "web") -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "demo"},
        "spec": {"type": "NodePort", "ports": [{"port": 80, "nodePort": port}]},
    }


@asynccontextmanager
async def forwarding(client: FakeClient, parking: Parking) -> AsyncIterator[ServiceListeners]:
    """Forward while the block runs; then end without closing anything properly."""
    component = Component("host-forward", client)
    dialers = {socket.SOCK_STREAM: dial_tcp, socket.SOCK_DGRAM: dial_udp}
    listeners = ServiceListeners(CONFIG, component, dialers.__getitem__, parking)
    task = asyncio.create_task(component.run())
    try:
        yield listeners
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        for relay in listeners._open.values():
            relay.close()


@asynccontextmanager
async def server() -> AsyncIterator[int]:
    """Say hello to whoever connects to the node; yield the port."""

    async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    async with await asyncio.start_server(hello, NODE, 0) as made:
        yield made.sockets[0].getsockname()[1]


async def answer(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(10):
        return await reader.read()


async def asked(port: int) -> bytes:
    try:
        reader, writer = await asyncio.open_connection(BIND, port)
    except ConnectionRefusedError:
        return b"refused"
    try:
        return await answer(reader)
    finally:
        writer.close()


async def becomes(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what it looks at tells nobody
            await asyncio.sleep(0.01)


def inode(parking: Parking, port: int) -> int:
    """Return which socket is parked for a port; 0 for none."""
    sockets = parking.parked()[1]
    kept = sockets.get(Listener("TCP", BIND, port))
    return os.fstat(kept.fileno()).st_ino if kept else 0


async def test_who_connects_between_two_lives_is_answered_by_the_second() -> None:
    async with server() as port:
        client, parking = FakeClient(service(port)), Parking()
        async with forwarding(client, parking):
            await becomes(lambda: bool(parking.parked()[0]))
            assert await asked(port) == b"hello"
        waiting = [await asyncio.open_connection(BIND, port) for _ in range(20)]
        async with forwarding(client, parking):
            assert [await answer(reader) for reader, _ in waiting] == [b"hello"] * 20
            assert await asked(port) == b"hello"
        for _, writer in waiting:
            writer.close()


async def test_a_service_that_goes_between_two_lives_is_refused_in_the_second() -> None:
    async with server() as port:
        client, parking = FakeClient(service(port)), Parking()
        async with forwarding(client, parking):
            await becomes(lambda: bool(parking.parked()[0]))
        client.remove(SERVICES, "web", "demo")
        async with forwarding(client, parking):
            await becomes(lambda: not parking.parked()[0])
            assert await asked(port) == b"refused"


async def test_another_service_that_has_the_port_by_then_takes_the_socket_over() -> None:
    async with server() as port:
        client, parking = FakeClient(service(port)), Parking()
        async with forwarding(client, parking):
            await becomes(lambda: bool(parking.parked()[0]))
        before = inode(parking, port)
        client.remove(SERVICES, "web", "demo")
        client.put(service(port, "other"))
        async with forwarding(client, parking):
            assert await asked(port) == b"hello"
            assert inode(parking, port) == before


async def test_a_service_that_goes_while_all_runs_is_refused_and_parked_no_more() -> None:
    async with server() as port:
        client, parking = FakeClient(service(port)), Parking()
        async with forwarding(client, parking):
            await becomes(lambda: bool(parking.parked()[0]))
            client.remove(SERVICES, "web", "demo")
            await becomes(lambda: not parking.parked()[0])
            assert await asked(port) == b"refused"
