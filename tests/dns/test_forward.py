"""Forwarding, its cache and its failures, with upstreams on loopback."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import dns.asyncquery
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from ports import HOST, free_port

from tests.client.certificates import Authority
from tests.fake.client import FakeClient
from wherry.dns.corefile import Directive, parse
from wherry.dns.errors import CorefileError
from wherry.dns.instance import DnsConfig, Instance
from wherry.dns.metrics import Metrics
from wherry.dns.plugins import cache, errors, forward
from wherry.dns.plugins.forward.settings import Server
from wherry.dns.query import SERVFAIL, Answer, Query
from wherry.dns.upstream.errors import UpstreamError
from wherry.dns.upstream.server import Upstream, Way

Answerer = Callable[[dns.message.Message], dns.message.Message | None]


class FakeUpstream(asyncio.DatagramProtocol):
    """Answers every name with 192.0.2.1, with authority, for a minute; while `silent` not at all."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.silent = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        self.asked.append(query.question[0].name.to_text())
        if self.silent:
            return
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        response.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", "192.0.2.1"))
        self.transport.sendto(response.to_wire(), addr)  # type: ignore[attr-defined]


@asynccontextmanager
async def fake_upstream() -> AsyncIterator[tuple[FakeUpstream, int]]:
    port = free_port()
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(FakeUpstream, (HOST, port))
    yield protocol, port
    transport.close()


@asynccontextmanager
async def server(tmp_path: Path, directives: str) -> AsyncIterator[int]:
    port, corefile = free_port(), tmp_path / "Corefile"
    corefile.write_text(f".:{port} {{\n{directives}\n}}\n")
    instance = Instance(DnsConfig(corefile, HOST), FakeClient, Metrics(), lambda: None)
    await instance.start()
    yield port
    await instance.stop()


async def ask(port: int, name: str) -> dns.message.Message:
    return await dns.asyncquery.udp(dns.message.make_query(name, "A"), HOST, port=port, timeout=5)


async def test_an_answer_of_an_authority_elsewhere_is_cached(tmp_path: Path) -> None:
    async with (
        fake_upstream() as (upstream, at),
        server(tmp_path, f"cache 30\nforward . {HOST}:{at}") as port,
    ):
        first, second = [await ask(port, name) for name in ("x.example.org", "X.example.org")]
        assert upstream.asked == ["x.example.org."]
        assert [r.answer[0][0].to_text() for r in (first, second)] == ["192.0.2.1"] * 2
        assert not second.flags & dns.flags.AA


async def test_what_the_corefile_disables_is_not_cached(tmp_path: Path) -> None:
    directives = "cache 30 {\ndisable success example.org\n}"
    async with (
        fake_upstream() as (upstream, at),
        server(tmp_path, f"{directives}\nforward . {HOST}:{at}") as port,
    ):
        for name in ("x.example.org", "x.example.org", "x.example.net", "x.example.net"):
            await ask(port, name)
        assert upstream.asked == ["x.example.org.", "x.example.org.", "x.example.net."]


async def test_another_upstream_is_asked_when_one_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wherry.dns.upstream.server.UPSTREAM_SECONDS", 0.5)  # the other one needs a moment, too
    async with fake_upstream() as (dead, one), fake_upstream() as (_, other):
        dead.silent = True
        directives = f"forward . {HOST}:{one} {HOST}:{other} {{\npolicy sequential\n}}"
        async with server(tmp_path, directives) as port:
            for n in range(5):
                assert (await ask(port, f"{n}.example.org")).answer
    assert dead.asked == ["0.example.org.", "1.example.org."], "it rests after two failures"


async def test_dead_upstreams_are_servfail_at_once_and_two_lines_of_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("wherry.dns.upstream.server.UPSTREAM_SECONDS", 0.05)
    caplog.set_level(logging.INFO)
    async with fake_upstream() as (dead, at), server(tmp_path, f"errors\nforward . {HOST}:{at}") as port:
        dead.silent = True
        for n in range(50):
            assert (await ask(port, f"{n}.example.org")).rcode() == dns.rcode.SERVFAIL
    assert len(dead.asked) == 2
    assert [r.message for r in caplog.records if r.levelno >= logging.WARNING] == [
        "no answer",
        "upstream does not answer",
    ]


async def test_one_query_tries_a_rested_upstream_and_the_others_follow() -> None:
    now = 0.0
    async with fake_upstream() as (fake, at):
        upstream = Upstream(HOST, at, Way(most_failures=1), clock=lambda: now)
        query = Query.ask("x.example.org.", 1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("wherry.dns.upstream.server.UPSTREAM_SECONDS", 0.05)
            fake.silent = True
            with pytest.raises(UpstreamError):
                await upstream.ask(query)
        assert not upstream.take()
        now = 1.0
        assert (upstream.take(), upstream.take()) == (True, False)
        fake.silent = False
        await upstream.ask(query)
        assert (upstream.take(), upstream.take()) == (True, True)


def directive_of(text: str) -> Directive:
    (block,) = parse(f". {{\n{text}\n}}", {})
    return block.directives[0]


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("dns://192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
    ],
)
def test_an_upstream_is_an_address_and_perhaps_a_port(to: str, expected: tuple[str, int]) -> None:
    assert forward.settings(directive_of(f"forward . {to}")).servers == [Server(*expected)]


@pytest.mark.parametrize("to", ["example.org", "192.0.2.1:0", "https://192.0.2.1", "/nowhere/resolv.conf"])
def test_what_is_no_upstream_is_refused(to: str) -> None:
    with pytest.raises(CorefileError, match=to):
        forward.settings(directive_of(f"forward . {to}"))


def test_the_cache_of_newer_clusters_is_read() -> None:
    (block,) = parse("cluster.local {\ncache 30 {\nsuccess 100 20\ndisable denial\nservfail 1s\n}\n}", {})
    read = cache.settings(block.directives[0], block)
    assert (read.limits["success"].capacity, read.limits["success"].longest) == (100, 20)
    assert read.limits["denial"].disabled == read.zones
    assert read.servfail_seconds == 1


async def test_a_failure_is_logged_once_in_a_while_with_the_others_counted(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    plugin = errors.Errors(clock=lambda: now)
    query = Query.ask("x.example.org.", 1)

    async def fail(asked: Query) -> Answer:
        return Answer(SERVFAIL)

    for now in (0.0, 1.0, 2.0, 11.0):  # noqa: B007 - the clock
        await plugin.serve(query, fail)
    assert [getattr(record, "others", None) for record in caplog.records] == [0, 2]


class BigUpstream(FakeUpstream):
    """Has 30 TXT records for every name."""

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        response = dns.message.make_response(query)
        texts = [f'"{n:020}"' for n in range(30)]
        response.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "TXT", *texts))
        self.transport.sendto(response.to_wire(), addr)  # type: ignore[attr-defined]


async def test_what_is_stored_is_not_cut_when_a_client_takes_less(tmp_path: Path) -> None:
    at = free_port()
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(BigUpstream, (HOST, at))
    query = dns.message.make_query("x.example.org", "TXT")
    async with server(tmp_path, f"cache 30\nforward . {HOST}:{at}") as port:
        for _ in range(2):
            cut = await dns.asyncquery.udp(query, HOST, port=port, timeout=5)
            assert cut.flags & dns.flags.TC
            assert 0 < len(cut.answer[0]) < 30
        whole = await dns.asyncquery.tcp(query, HOST, port=port, timeout=5)
        assert len(whole.answer[0]) == 30
        wide = dns.message.make_query("x.example.org", "TXT", use_edns=0, payload=4096)
        assert len((await dns.asyncquery.udp(wide, HOST, port=port, timeout=5)).answer[0]) == 30
    transport.close()


async def test_a_dead_upstream_is_noticed_by_the_kernels_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wherry.dns.upstream.server.UPSTREAM_SECONDS", 60.0)  # who asks gives up long before
    nobody = free_port()
    async with fake_upstream() as (_, other):
        directives = f"forward . {HOST}:{nobody} {HOST}:{other} {{\npolicy sequential\n}}"
        async with server(tmp_path, directives) as port:
            assert (await ask(port, "x.example.org")).answer


async def test_a_name_of_one_label_is_not_asked_for_again_for_want_of_an_upstream(tmp_path: Path) -> None:
    async with server(tmp_path, f"forward . {HOST}:{free_port()}") as port:
        assert (await ask(port, "short")).rcode() == dns.rcode.NXDOMAIN
        assert (await ask(port, "long.example")).rcode() == dns.rcode.SERVFAIL


async def test_queries_go_out_of_many_ports_under_many_ids(tmp_path: Path) -> None:
    seen: set[tuple[int, int]] = set()

    class Watching(FakeUpstream):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            seen.add((addr[1], int.from_bytes(data[:2], "big")))
            super().datagram_received(data, addr)

    at = free_port()
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Watching, (HOST, at))
    async with server(tmp_path, f"forward . {HOST}:{at}") as port:
        for n in range(200):
            await ask(port, f"{n}.example.org")
    transport.close()
    assert len({port for port, _ in seen}) >= 16
    assert len({id for _, id in seen}) > 190


async def test_answers_of_others_are_not_taken(tmp_path: Path) -> None:
    """Another id, another question: the right answer comes after both and is the one that counts."""

    class Forged(FakeUpstream):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            query = dns.message.from_wire(data)
            for name, id in (("evil.example.org.", query.id), (query.question[0].name, query.id ^ 1)):
                forged = dns.message.make_response(dns.message.make_query(name, "A", id=id))
                forged.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "203.0.113.66"))
                self.transport.sendto(forged.to_wire(), addr)  # type: ignore[attr-defined]
            super().datagram_received(data, addr)

    at = free_port()
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Forged, (HOST, at))
    async with server(tmp_path, f"forward . {HOST}:{at}") as port:
        assert (await ask(port, "x.example.org")).answer[0][0].to_text() == "192.0.2.1"
    transport.close()


async def test_a_tls_upstream_is_asked_and_must_be_who_it_says(tmp_path: Path) -> None:
    Authority().write(tmp_path, "dns", "dns.example")
    at, corefile = free_port(), tmp_path / "Upstream"
    hosts = "hosts {\n192.0.2.9 a.example.org\n}"
    corefile.write_text(f"tls://.:{at} {{\ntls {tmp_path}/dns.crt {tmp_path}/dns.key\n{hosts}\n}}\n")
    upstream = Instance(DnsConfig(corefile, HOST), FakeClient, Metrics(), lambda: None)
    await upstream.start()
    try:
        for name, rcode in (("127.0.0.1", dns.rcode.NOERROR), ("other.example", dns.rcode.SERVFAIL)):
            options = f"tls {tmp_path}/ca.crt\ntls_servername {name}"
            async with server(tmp_path, f"forward . tls://{HOST}:{at} {{\n{options}\n}}") as port:
                for _ in range(3):
                    assert (await ask(port, "a.example.org")).rcode() == rcode
    finally:
        await upstream.stop()


async def test_the_next_forward_is_asked_after_the_codes_it_is_for(tmp_path: Path) -> None:
    class Denies(FakeUpstream):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            response = dns.message.make_response(dns.message.from_wire(data))
            response.set_rcode(dns.rcode.NXDOMAIN)
            self.transport.sendto(response.to_wire(), addr)  # type: ignore[attr-defined]

    at = free_port()
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Denies, (HOST, at))
    async with fake_upstream() as (_, other):
        directives = f"forward . {HOST}:{at} {{\nnext NXDOMAIN\n}}\nforward . {HOST}:{other}"
        async with server(tmp_path, directives) as port:
            assert (await ask(port, "x.example.org")).answer
        directives = f"forward . {HOST}:{at} {HOST}:{other} {{\npolicy sequential\nfailover NXDOMAIN\n}}"
        async with server(tmp_path, directives) as port:
            assert (await ask(port, "x.example.org")).answer
    transport.close()
