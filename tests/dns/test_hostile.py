"""Hostile messages: no crash, no hang, little kept of them, and the right answer for who asks properly."""

import asyncio
import random
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import cluster
import dns.message
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wherry.dns.instance import DnsConfig, Instance
from wherry.dns.metrics import Metrics
from wherry.dns.server import Server

COREFILE = """
.:53 {
    loadbalance
    rewrite name suffix .old.example .svc.cluster.local
    cache 30
    template IN A t.example {
        answer "{{ .Name }} 60 IN A 192.0.2.1"
    }
    hosts {
        192.0.2.2 h.example
        fallthrough
    }
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
    }
}
"""
NAMES = (
    "mysql.demo.svc.cluster.local",
    "001-2-3-4.demo.pod.cluster.local",
    "x.t.example",
    "h.example",
    "9.in-addr.arpa",
)
MUTATIONS = 3000


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    (tmp_path / "Corefile").write_text(COREFILE)
    client = await cluster.fake()
    instance = Instance(DnsConfig(tmp_path / "Corefile"), lambda: client, Metrics(), lambda: None)
    await instance.begin()
    await instance.ready()
    yield next(iter(instance.servers.values()))
    await instance.stop()


async def right(server: Server, data: bytes) -> None:
    """Check what comes back for a message: silence, or a response with its id."""
    told: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
    assert server.begin(data, ("192.0.2.66", 53), "udp", told.set_result)
    answer = await told
    if answer is not None:
        assert answer[:2] == data[:2]
        assert answer[2] & 0x80
        assert len(answer) <= 4096


def panics(server: Server) -> float:
    return server._metrics.registry.get_sample_value("coredns_panics_total") or 0.0


label = st.binary(min_size=1, max_size=63).map(lambda b: bytes((len(b),)) + b)
pointer = st.integers(0, 0x3FFF).map(lambda n: struct.pack("!H", 0xC000 | n))
name = st.lists(st.one_of(label, label, pointer), max_size=8).map(lambda parts: b"".join(parts) + b"\0")
question = st.tuples(name, st.integers(0, 65535), st.sampled_from([1, 3, 254, 255])).map(
    lambda q: q[0] + struct.pack("!HH", q[1], q[2])
)
record = st.tuples(name, st.sampled_from([1, 6, 41, 249, 250]), st.binary(max_size=40), st.integers(0, 65535)).map(
    lambda r: r[0] + struct.pack("!HHIH", r[1], r[3], r[3] << 8, r[3] if r[3] % 3 == 0 else len(r[2])) + r[2]
)


@given(
    flags=st.integers(0, 65535),
    counts=st.lists(st.integers(0, 3), min_size=4, max_size=4),
    questions=st.lists(question, max_size=2),
    records=st.lists(record, max_size=3),
    more=st.binary(max_size=8),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_messages_nobody_should_send_are_answered_or_passed_over(
    server: Server, flags: int, counts: list[int], questions: list[bytes], records: list[bytes], more: bytes
) -> None:
    data = struct.pack("!HHHHHH", 7, flags, *counts) + b"".join([*questions, *records]) + more
    await right(server, data)
    assert panics(server) == 0


async def test_good_queries_with_bytes_changed_leave_the_server_as_it_was(server: Server) -> None:
    dice = random.Random(3)
    good = [dns.message.make_query(n, "A", use_edns=e, payload=1232).to_wire() for n in NAMES for e in (None, 0)]
    before = [described(await server.answer(data, "192.0.2.1", "udp")) for data in good]
    for _ in range(MUTATIONS):
        data = bytearray(dice.choice(good))
        for _ in range(dice.randrange(1, 6)):
            match dice.randrange(3):
                case 0:
                    data[dice.randrange(len(data))] = dice.randrange(256)
                case 1:
                    del data[dice.randrange(len(data)) :]
                case 2:
                    at = dice.randrange(len(data) + 1)
                    data[at:at] = dice.randbytes(dice.randrange(1, 9))
            data = data or bytearray(1)
        async with asyncio.timeout(1):
            await right(server, bytes(data))
    assert panics(server) == 0
    assert [described(await server.answer(data, "192.0.2.1", "udp")) for data in good] == before
    stores = server._datagrams.names, server._datagrams.crowd
    assert sum(map(len, stores)) < MUTATIONS


def described(answer: bytes | None) -> list[str]:
    return sorted(dns.message.from_wire(answer or b"").to_text().splitlines()[1:])
