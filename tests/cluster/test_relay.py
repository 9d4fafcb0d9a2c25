"""The host-side relays, over loopback."""

import asyncio
import contextlib
import socket

from wherry.cluster.relay import Address, DatagramRelay, StreamRelay

HOST = "127.0.0.1"


def dial_tcp() -> socket.socket:
    made = socket.socket()
    made.setblocking(False)
    return made


def dial_udp() -> socket.socket:
    made = socket.socket(type=socket.SOCK_DGRAM)
    made.setblocking(False)
    return made


async def relay_to(target: Address | None) -> tuple[StreamRelay, Address]:
    listener = socket.create_server((HOST, 0))
    relay = StreamRelay(dial_tcp, lambda: target)
    await relay.serve(listener)
    return relay, listener.getsockname()


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


async def test_every_udp_client_gets_its_own_answers() -> None:
    class Echo(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: Address) -> None:
            self.transport.sendto(data + b"@%d" % addr[1], addr)  # type: ignore[attr-defined]

    loop = asyncio.get_running_loop()
    server, _ = await loop.create_datagram_endpoint(Echo, (HOST, 0))
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        near = probe.getsockname()
    relay = DatagramRelay(dial_udp, lambda: server.get_extra_info("sockname"))
    await relay.serve(near)
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
