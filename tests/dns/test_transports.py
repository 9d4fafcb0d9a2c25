"""UDP, TCP and TLS: no client takes the server from the others, and nothing asked in order is lost."""

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import cluster
import dns.asyncquery
import dns.message
import dns.rcode
import pytest
from ports import HOST, free_port

from tests.client.certificates import Authority
from wherry.dns.fairness import Fairness
from wherry.dns.instance import DnsConfig, Instance
from wherry.dns.metrics import Metrics
from wherry.dns.transports import stream

NAME = "mysql.demo.svc.cluster.local"
SRV = "_db._tcp.headless.demo.svc.cluster.local"


class Running:
    def __init__(self, instance: Instance, port: int):
        self.instance, self.port = instance, port

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(HOST, self.port)


async def start(tmp_path: Path, text: str) -> Running:
    port = free_port()
    (tmp_path / "Corefile").write_text(text.replace("PORT", str(port)))
    client = await cluster.fake()
    instance = Instance(DnsConfig(tmp_path / "Corefile", HOST), lambda: client, Metrics(), lambda: None)
    await instance.start()
    await instance.ready()
    return Running(instance, port)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    made = await start(tmp_path, ".:PORT {\n kubernetes cluster.local\n loadbalance\n}\n")
    yield made
    await made.instance.stop()


def framed(name: str, type: str, id: int) -> bytes:
    message = dns.message.make_query(name, type, id=id)
    data = message.to_wire()
    return struct.pack("!H", len(data)) + data


async def answer_of(reader: asyncio.StreamReader) -> dns.message.Message:
    (length,) = struct.unpack("!H", await reader.readexactly(2))
    return dns.message.from_wire(await reader.readexactly(length))


async def test_a_thousand_questions_on_one_connection_are_all_answered(running: Running) -> None:
    reader, writer = await running.connect()
    names = (NAME, SRV, "none.demo.svc.cluster.local")
    writer.write(b"".join(framed(names[n % 3], "SRV" if n % 3 == 1 else "A", n) for n in range(1000)))
    async with asyncio.timeout(10):
        got = sorted([(await answer_of(reader)).id for _ in range(1000)])
    assert got == list(range(1000))
    writer.close()


async def test_a_question_in_pieces_is_put_together(running: Running) -> None:
    reader, writer = await running.connect()
    for byte in framed(NAME, "A", 7):
        writer.write(bytes((byte,)))
        await writer.drain()
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        assert (await answer_of(reader)).answer
    writer.close()


async def test_a_client_that_asks_and_never_reads_does_not_stop_the_others(running: Running) -> None:
    _, greedy = await running.connect()
    questions = b"".join(framed(SRV, "SRV", n) for n in range(1000))
    for _ in range(20):
        greedy.write(questions)
    message = dns.message.make_query(NAME, "A")
    async with asyncio.timeout(5):
        for _ in range(50):
            assert (await dns.asyncquery.udp(message, HOST, port=running.port, timeout=2)).answer
        reader, writer = await running.connect()
        writer.write(framed(NAME, "A", 1))
        assert (await answer_of(reader)).answer
    writer.close()
    greedy.transport.abort()


async def test_idle_connections_of_one_client_lock_nobody_out(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "MOST", 8)
    held = [await running.connect() for _ in range(20)]
    reader, writer = await running.connect()
    writer.write(framed(NAME, "A", 1))
    async with asyncio.timeout(5):
        assert (await answer_of(reader)).answer
    for _, other in (*held, (reader, writer)):
        other.close()


async def test_a_connection_that_says_nothing_is_closed(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "IDLE_SECONDS", 0.1)
    reader, writer = await running.connect()
    async with asyncio.timeout(5):
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readexactly(1)
    writer.close()


async def test_who_speaks_http_is_not_waited_for_and_gets_what_it_asked_before(running: Running) -> None:
    reader, writer = await running.connect()
    writer.write(framed(NAME, "A", 7) + b"GET / HTTP/1.1\r\n\r\n")
    async with asyncio.timeout(5):  # half of what a client that says nothing has
        assert (await answer_of(reader)).id == 7
        assert await reader.read() == b""
    writer.close()


async def test_what_was_asked_before_the_end_of_a_connection_is_answered(running: Running) -> None:
    reader, writer = await running.connect()
    writer.write(framed(NAME, "A", 1) + framed(SRV, "SRV", 2))
    writer.write_eof()
    async with asyncio.timeout(5):
        assert {(await answer_of(reader)).id for _ in range(2)} == {1, 2}
        assert await reader.read() == b""
    writer.close()


def test_while_there_is_room_everybody_is_answered_then_who_has_most_waits() -> None:
    fairness = Fairness(10)
    assert all(fairness.take("greedy") for _ in range(10))
    assert not fairness.take("greedy")
    assert fairness.take("modest")
    for _ in range(6):
        fairness.leave("greedy")
    assert fairness.take("greedy")


async def test_dns_over_tls_is_served_with_the_plugins_certificate(tmp_path: Path) -> None:
    Authority().write(tmp_path, "dns", "dns.example")
    made = await start(
        tmp_path, f"tls://.:PORT {{\n tls {tmp_path}/dns.crt {tmp_path}/dns.key\n kubernetes cluster.local\n}}\n"
    )
    context = ssl.create_default_context(cafile=tmp_path / "ca.crt")
    context.check_hostname = False
    message = dns.message.make_query(NAME, "A")
    try:
        answer = await dns.asyncquery.tls(message, HOST, port=made.port, timeout=5, ssl_context=context)
        assert answer.answer
    finally:
        await made.instance.stop()
