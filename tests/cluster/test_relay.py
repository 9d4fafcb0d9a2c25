"""The host-side relays, over loopback."""

import asyncio
import contextlib
import socket
from typing import Any

import uvloop

from wherry.cluster.hostforward.ingress import UNAVAILABLE, ingress_addresses
from wherry.cluster.relay.address import Address, Target
from wherry.cluster.relay.datagram import DatagramRelay
from wherry.cluster.relay.stream import Count, StreamRelay, _pump
from wherry.net.listening import datagrams
from wherry.objects import Object

HOST = "127.0.0.1"


def dial_tcp() -> socket.socket:
    made = socket.socket()
    made.setblocking(False)
    return made


def dial_udp() -> socket.socket:
    made = socket.socket(type=socket.SOCK_DGRAM)
    made.setblocking(False)
    return made


async def relay_to(target: Address | None, **manner: Any) -> tuple[StreamRelay, Address]:
    return await relay_by(lambda: target, **manner)


async def relay_by(target: Target, **manner: Any) -> tuple[StreamRelay, Address]:
    listener = socket.create_server((HOST, 0))
    relay = StreamRelay(dial_tcp, target, **manner)
    await relay.serve(listener)
    return relay, listener.getsockname()


async def ask(address: Address) -> bytes:
    """Send half a request and return all that comes, within five seconds."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"GET / HTTP/1.1\r\n")
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    return answer


async def test_bytes_and_half_closes_pass_both_ways() -> None:
    async def upper_at_eof(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.read()).upper())
        writer.close()

    server = await asyncio.start_server(upper_at_eof, HOST, 0)
    relay, address = await relay_to(server.sockets[0].getsockname())
    reader, writer = await asyncio.open_connection(*address)
    big = b"ahoy " * 100_000
    writer.write(big)
    writer.write_eof()
    assert await reader.read() == big.upper()
    writer.close()
    relay.close()
    server.close()


async def test_a_client_is_turned_away_at_once_when_nothing_answers() -> None:
    for target in (None, (HOST, 1)):
        relay, address = await relay_to(target)
        reader, writer = await asyncio.open_connection(*address)
        async with asyncio.timeout(5):
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
        writer.close()
        relay.close()


async def test_a_client_waits_for_a_target_to_come() -> None:
    async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    targets: list[Address | None] = [None, (HOST, 1)]
    server = await asyncio.start_server(hello, HOST, 0)
    last = server.sockets[0].getsockname()
    relay, address = await relay_by(lambda: targets.pop(0) if targets else last, patience=lambda: 5)
    assert await ask(address) == b"hello"
    assert not targets
    relay.close()
    server.close()


async def test_a_client_whose_wait_is_over_is_told_why() -> None:
    for target in (None, (HOST, 1)):
        relay, address = await relay_to(target, patience=lambda: 0.1, apology=UNAVAILABLE)
        assert await ask(address) == UNAVAILABLE
        relay.close()


async def test_a_target_that_ends_without_an_answer_is_apologised_for() -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.transport.abort()

    server = await asyncio.start_server(mute, HOST, 0)
    relay, address = await relay_to(server.sockets[0].getsockname(), apology=UNAVAILABLE)
    assert await ask(address) == UNAVAILABLE
    relay.close()
    server.close()


async def test_half_an_answer_is_not_mended_with_an_apology() -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 200")
        writer.close()

    server = await asyncio.start_server(half, HOST, 0)
    relay, address = await relay_to(server.sockets[0].getsockname(), apology=UNAVAILABLE)
    assert await ask(address) == b"HTTP/1.1 200"
    relay.close()
    server.close()


def test_the_ingress_is_where_ready_pods_are_and_while_all_are_ending_where_they_still_serve() -> None:
    def pod(address: str, ready: str = "True", **meta: str) -> Object:
        return {"metadata": meta, "status": {"podIP": address, "conditions": [{"type": "Ready", "status": ready}]}}

    ending = pod("10.0.0.1", deletionTimestamp="2026-01-01T00:00:00Z")
    assert ingress_addresses([ending, pod("10.0.0.2"), pod("10.0.0.3", "False")]) == ["10.0.0.2"]
    assert ingress_addresses([ending, pod("10.0.0.3", "False")]) == ["10.0.0.1"]
    assert ingress_addresses([{"metadata": {}, "status": {}}]) == []


def test_what_is_of_ingress_nginx_and_no_controller_gets_no_requests() -> None:
    def pod(address: str, **labels: str) -> Object:
        metadata = {"labels": {f"app.kubernetes.io/{name}": value for name, value in labels.items()}}
        ready = [{"type": "Ready", "status": "True"}]
        return {"metadata": metadata, "status": {"podIP": address, "conditions": ready}}

    others = [pod("10.0.0.1", component="admission-webhook"), pod("10.0.0.2", component="default-backend")]
    assert ingress_addresses([*others, pod("10.0.0.3"), pod("10.0.0.4", component="controller")]) == [
        "10.0.0.3",
        "10.0.0.4",
    ]


async def test_every_udp_client_gets_its_own_answers() -> None:
    class Echo(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: Address) -> None:
            self.transport.sendto(data + b"@%d" % addr[1], addr)  # type: ignore[attr-defined]

    loop = asyncio.get_running_loop()
    server, _ = await loop.create_datagram_endpoint(Echo, (HOST, 0))
    bound = datagrams(HOST, 0)
    near = bound.getsockname()
    relay = DatagramRelay(dial_udp, lambda: server.get_extra_info("sockname"))
    await relay.serve(bound)
    answers = []
    for word in (b"one", b"two"):
        client = dial_udp()
        await loop.sock_connect(client, near)
        await loop.sock_sendall(client, word)
        async with asyncio.timeout(5):
            answers.append(await loop.sock_recv(client, 100))
        client.close()
    assert [a.split(b"@")[0] for a in answers] == [b"one", b"two"]
    assert answers[0].split(b"@")[1] != answers[1].split(b"@")[1]
    relay.close()
    server.close()
    await asyncio.sleep(0)


def test_an_end_for_a_side_that_is_closed_already_is_no_error_on_uvloop() -> None:
    async def main() -> None:
        near, far = socket.socketpair()
        _, gone = await asyncio.open_connection(sock=near)
        gone.transport.abort()
        await gone.wait_closed()
        ended = asyncio.StreamReader()
        ended.feed_eof()
        await _pump(ended, gone, Count())
        far.close()
        await asyncio.sleep(0)

    uvloop.run(main())
