"""The server over real sockets on loopback, against the fake API."""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import cluster
import dns.asyncquery
import dns.flags
import dns.message
import dns.rcode
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ports import HOST, free_port

from tests.fake.client import FakeClient
from wherry.dns.instance import DnsConfig, Instance
from wherry.dns.metrics import Metrics
from wherry.dns.places import Place
from wherry.dns.server import Server
from wherry.objects.resource import ENDPOINT_SLICES, SERVICES

COREFILE = """
.:53 {
    errors
    kubernetes cluster.local in-addr.arpa {
        pods insecure
        fallthrough in-addr.arpa
        ttl 30
    }
    %s
    loadbalance
}
"""


class Running:
    def __init__(self, instance: Instance, client: FakeClient, port: int):
        self.instance, self.client, self.port = instance, client, port

    async def ask(
        self, name: str, type: str = "A", *, tcp: bool = False, payload: int | None = None
    ) -> dns.message.Message:
        query = dns.message.make_query(name, type, use_edns=payload is not None, payload=payload)
        ask = dns.asyncquery.tcp if tcp else dns.asyncquery.udp
        return await ask(query, HOST, port=self.port, timeout=5)


async def start(tmp_path: Path, extra: str = "", synced: bool = True) -> Running:
    corefile = tmp_path / "Corefile"
    corefile.write_text(COREFILE % extra)
    client, port = await cluster.fake(), free_port()
    instance = Instance(DnsConfig(corefile, HOST, port), lambda: client, Metrics(), lambda: None)
    if synced:
        await instance.start()
        await instance.ready()
    else:
        await instance.listen()
    return Running(instance, client, port)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    made = await start(tmp_path)
    yield made
    await made.instance.stop()


def server_of(running: Running) -> Server:
    (server,) = running.instance.servers.values()
    return server


async def until(
    running: Running, ask: Callable[[], Awaitable[dns.message.Message]], good: Callable[[dns.message.Message], bool]
) -> None:
    """Ask again whenever the records change, until the answer is `good`; bounded."""
    async with asyncio.timeout(5):
        while True:
            if good(await ask()):
                return


def texts(message: dns.message.Message) -> list[str]:
    return sorted(r.to_text() for s in message.answer for r in s)


async def test_a_service_answers_over_udp_and_tcp_with_our_authority(running: Running) -> None:
    for tcp in (False, True):
        response = await running.ask("MySQL.demo.svc.cluster.local", tcp=tcp)
        assert texts(response) == ["10.100.42.154"]
        assert response.flags & dns.flags.AA
        assert response.answer[0].ttl == 30


async def test_a_denial_carries_the_soa(running: Running) -> None:
    response = await running.ask("none.demo.svc.cluster.local")
    assert response.rcode() == dns.rcode.NXDOMAIN
    assert response.authority[0].to_text().startswith("cluster.local. 30 IN SOA ns.dns.cluster.local.")
    nodata = await running.ask("mysql.demo.svc.cluster.local", "AAAA")
    assert (nodata.rcode(), nodata.answer) == (dns.rcode.NOERROR, [])


async def test_an_external_name_is_followed(running: Running) -> None:
    response = await running.ask("outside.demo.svc.cluster.local")
    assert texts(response) == ["10.100.0.7", "web.demo.svc.cluster.local."]


async def test_an_address_leads_to_its_name(running: Running) -> None:
    assert texts(await running.ask("154.42.100.10.in-addr.arpa", "PTR")) == ["mysql.demo.svc.cluster.local."]


async def test_srv_brings_the_addresses_along(running: Running) -> None:
    response = await running.ask("_db._tcp.headless.demo.svc.cluster.local", "SRV")
    assert texts(response) == [
        "0 50 3306 10-244-2-3.headless.demo.svc.cluster.local.",
        "0 50 3306 db-0.headless.demo.svc.cluster.local.",
    ]
    assert len(response.additional) == 2


async def test_a_change_is_seen_by_the_next_query_though_answers_are_kept(running: Running) -> None:
    name = "mysql.demo.svc.cluster.local"
    assert texts(await running.ask(name)) == texts(await running.ask(name)) == ["10.100.42.154"]
    await running.client.delete(SERVICES, "mysql", "demo")
    await until(running, lambda: running.ask(name), lambda m: m.rcode() == dns.rcode.NXDOMAIN)


async def test_a_name_that_is_nobodys_is_refused(running: Running) -> None:
    assert (await running.ask("example.org")).rcode() == dns.rcode.REFUSED


async def test_before_the_first_sync_the_answer_is_servfail(tmp_path: Path) -> None:
    made = await start(tmp_path, synced=False)
    try:
        assert (await made.ask("mysql.demo.svc.cluster.local")).rcode() == dns.rcode.SERVFAIL
    finally:
        await made.instance.stop()


async def test_a_large_answer_is_cut_over_udp_and_whole_over_tcp(running: Running) -> None:
    many = [cluster.endpoint(f"10.244.3.{n}") for n in range(1, 100)]
    await running.client.create(ENDPOINT_SLICES, cluster.slice_of("headless", *many, suffix="2"), "demo")
    name = "headless.demo.svc.cluster.local"
    await until(running, lambda: running.ask(name, tcp=True), lambda m: len(texts(m)) == 101)
    cut = await running.ask(name)
    assert cut.flags & dns.flags.TC
    assert len(texts(cut)) == 28  # (512 - 12 - the question's 36) / 16
    assert len(texts(await running.ask(name, payload=4096))) == 101


async def test_tcp_takes_what_is_too_large_for_the_askers_datagrams(running: Running) -> None:
    many = [cluster.endpoint(f"10.244.3.{n}") for n in range(1, 200)]
    await running.client.create(ENDPOINT_SLICES, cluster.slice_of("headless", *many, suffix="2"), "demo")
    name = "headless.demo.svc.cluster.local"
    await until(running, lambda: running.ask(name, tcp=True, payload=1232), lambda m: len(texts(m)) == 201)


async def test_aliases_that_lead_to_one_another_come_to_an_end(running: Running) -> None:
    for name, other in (("ping", "pong"), ("pong", "ping")):
        spec = {"type": "ExternalName", "externalName": f"{other}.demo.svc.cluster.local"}
        await running.client.create(SERVICES, cluster.service(name, **spec), "demo")
    name = "ping.demo.svc.cluster.local"
    await until(running, lambda: running.ask(name), lambda m: bool(m.answer))
    assert set(texts(await running.ask(name))) == {"ping.demo.svc.cluster.local.", "pong.demo.svc.cluster.local."}


async def test_a_long_question_is_answered_but_not_kept(running: Running) -> None:
    query = dns.message.make_query("mysql.demo.svc.cluster.local", "A", use_edns=0, payload=4096, pad=2048)
    assert (await dns.asyncquery.udp(query, HOST, port=running.port, timeout=5)).answer
    assert server_of(running).known(query.to_wire(), datagram=True) is None


async def test_a_connection_that_is_idle_does_not_hold_the_server(running: Running) -> None:
    reader, writer = await asyncio.open_connection(HOST, running.port)
    await running.ask("mysql.demo.svc.cluster.local", tcp=True)
    async with asyncio.timeout(5):  # half of what a client that says nothing has
        await running.instance.stop()
        assert await reader.read() == b""
    writer.close()


@given(
    name=st.sampled_from(["mysql.demo.svc.cluster.local", "154.42.100.10.in-addr.arpa", "x.pod.cluster.local"]),
    at=st.integers(0, 60),
    byte=st.integers(0, 255),
    more=st.binary(max_size=32),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_every_broken_question_is_answered_or_passed_over(
    running: Running, name: str, at: int, byte: int, more: bytes
) -> None:
    data = bytearray(dns.message.make_query(name, "PTR", use_edns=0).to_wire())
    data[min(at, len(data) - 1)] = byte
    answer = await server_of(running).answer(bytes(data) + more, HOST, "udp")
    assert answer is None or answer[:2] == data[:2]


async def test_a_forwarding_loop_is_found(tmp_path: Path) -> None:
    port = free_port()
    corefile = tmp_path / "Corefile"
    corefile.write_text(f".:{port} {{\nloop\nforward . {HOST}:{port}\n}}")
    instance = Instance(DnsConfig(corefile, HOST), lambda: FakeClient(), Metrics(), lambda: None)
    await instance.start()
    try:
        with pytest.raises(Exception, match="come back to this server"):
            async with asyncio.timeout(5):
                await instance.failed
    finally:
        await instance.stop()


@given(data=st.binary(max_size=64))
def test_no_bytes_whatever_break_the_server(data: bytes) -> None:
    async def feed() -> bytes | None:
        return await Server(Place("", 53), [], Metrics()).answer(data, HOST, "udp")

    answer = asyncio.run(feed())
    assert answer is None or answer[:2] == data[:2]


def test_what_cannot_be_parsed_is_a_format_error() -> None:
    header = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0)
    answer = asyncio.run(Server(Place("", 53), [], Metrics()).answer(header + b"\xff", HOST, "udp"))
    assert answer is not None
    assert answer[3] & 0x0F == dns.rcode.FORMERR
