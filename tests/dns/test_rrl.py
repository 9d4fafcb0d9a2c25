"""Response rate limits: what one network gets, by the whole path and from kept bytes alike."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import dns.asyncquery
import dns.flags
import dns.message
import dns.rcode
import pytest
from ports import free_port

from tests.fake.client import FakeClient
from wherry.dns.errors import CorefileError
from wherry.dns.instance import DnsConfig, Instance, check
from wherry.dns.metrics import Metrics
from wherry.dns.plugins.rrl.accounts import SECOND, Accounts
from wherry.dns.server import Server

HOSTS = "hosts {\n192.0.2.1 a.example b.example\n}"


@asynccontextmanager
async def running(directory: Path, limits: str, port: int | None = None) -> AsyncIterator[tuple[Instance, Metrics]]:
    (directory / "Corefile").write_text(f".:53 {{\nrrl {{\n{limits}\n}}\n{HOSTS}\n}}\n")
    metrics = Metrics()
    config = DnsConfig(directory / "Corefile", "127.0.0.1", port)
    instance = Instance(config, FakeClient, metrics, lambda: None)
    await (instance.start() if port else instance.begin())
    await instance.ready()
    yield instance, metrics
    await instance.stop()


def server_of(instance: Instance) -> Server:
    return next(iter(instance.servers.values()))


def said(wire: bytes | None) -> str:
    if not wire:
        return "nothing"
    message = dns.message.from_wire(wire)
    return "cut" if message.flags & dns.flags.TC else f"{len(message.answer)} records"


class Clock:
    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


def accounts(clock: Clock, window: float = 15.0, most: int = 100) -> tuple[Accounts, list[None]]:
    missed: list[None] = []
    return Accounts(round(window * SECOND), most, clock, lambda: missed.append(None)), missed


def granted(ledger: Accounts, key: str, rate: float, times: int) -> int:
    return sum(not ledger.debit(key, round(SECOND / rate)) for _ in range(times))


def test_a_burst_is_a_seconds_allowance_and_then_it_is_the_rate() -> None:
    clock = Clock()
    ledger, _ = accounts(clock, window=0.1)
    assert granted(ledger, "x", 10, 50) == 10
    clock.now += SECOND
    total = 0
    for _ in range(1000):
        clock.now += SECOND // 100
        total += granted(ledger, "x", 10, 1)
    assert 10 <= total <= 20  # whoever goes on asking stays in debt


def test_a_debt_is_at_most_the_window() -> None:
    clock = Clock()
    ledger, _ = accounts(clock, window=2)
    granted(ledger, "x", 10, 10_000)
    clock.now += round(2.0 * SECOND)
    assert granted(ledger, "x", 10, 1) == 0
    clock.now += round(2.1 * SECOND)
    assert granted(ledger, "x", 10, 1) == 1


def test_less_than_one_a_second_is_one_now_and_then() -> None:
    clock = Clock()
    ledger, _ = accounts(clock, window=1)
    assert granted(ledger, "x", 0.5, 1) == 1
    clock.now += 2 * SECOND
    assert granted(ledger, "x", 0.5, 2) == 1


def test_an_account_makes_place_once_it_is_as_good_as_new() -> None:
    clock = Clock()
    ledger, missed = accounts(clock, most=1)
    assert granted(ledger, "x", 1, 5) == 1
    assert granted(ledger, "y", 1, 5) == 5
    assert len(missed) == 5
    clock.now += 20 * SECOND
    assert granted(ledger, "y", 1, 5) == 1
    assert len(ledger) == 1


async def test_kept_answers_are_limited_as_those_of_the_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same questions at the same times, to one server that keeps answers and one that keeps none."""
    clock = Clock()
    monkeypatch.setattr("time.monotonic_ns", clock)
    chance = random.Random(7)
    limits = "responses-per-second 5\nnodata-per-second 2\nslip-ratio 3\nwindow 1\nrequests-per-second 40"
    (tmp_path / "other").mkdir()
    async with running(tmp_path, limits) as (keeping, _), running(tmp_path / "other", limits) as (other, _):
        kept, whole, seen = server_of(keeping), server_of(other), set()
        for _ in range(3000):
            clock.now += chance.randrange(SECOND // 20)
            name, type = chance.choice(("a.example", "b.example")), chance.choice(("A", "AAAA"))
            data, client = dns.message.make_query(name, type).to_wire(), f"192.0.{chance.randrange(2)}.9"
            found = kept.gated(data, client, datagram=True)
            if found is None:
                found = await kept.answer(data, client, "udp")
            assert kept.known(data, datagram=True) is None
            assert said(found) == said(await whole.answer(data, client, "udp"))
            seen.add(said(found))
    assert seen == {"1 records", "0 records", "cut", "nothing"}


async def test_a_flood_is_answered_from_kept_bytes_though_nothing_is_sent(tmp_path: Path) -> None:
    async with running(tmp_path, "responses-per-second 0.001") as (instance, _):
        server, data = server_of(instance), dns.message.make_query("a.example", "A").to_wire()
        assert await server.answer(data, "192.0.2.9", "udp")
        server.forget(None)
        assert await server.answer(data, "192.0.2.9", "udp") is None
        assert server.gated(data, "192.0.2.9", datagram=True) == b""
        assert said(server.gated(data, "192.0.3.9", datagram=True)) == "1 records"


async def test_what_is_limited_is_forgotten_like_the_rest(tmp_path: Path) -> None:
    async with running(tmp_path, "responses-per-second 1000") as (instance, _):
        server, data = server_of(instance), dns.message.make_query("a.example", "A").to_wire()
        await server.answer(data, "192.0.2.9", "udp")
        assert server.gated(data, "192.0.2.9", datagram=True)
        server.forget(None)
        assert server.gated(data, "192.0.2.9", datagram=True) is None


async def test_over_a_socket_what_slips_through_sends_an_honest_client_to_tcp(tmp_path: Path) -> None:
    port = free_port()
    async with running(tmp_path, "responses-per-second 0.001\nslip-ratio 1", port):
        query = dns.message.make_query("a.example", "A")
        for expected in (False, True, True):
            answer, tcp = await dns.asyncquery.udp_with_fallback(query, "127.0.0.1", 5, port)
            assert len(answer.answer) == 1
            assert tcp is expected


async def test_over_a_socket_nothing_comes_back_beyond_the_limit(tmp_path: Path) -> None:
    port = free_port()
    async with running(tmp_path, "responses-per-second 0.001", port) as (instance, metrics):
        query = dns.message.make_query("a.example", "A")
        await dns.asyncquery.udp(query, "127.0.0.1", 5, port)
        with pytest.raises(dns.exception.Timeout):
            await dns.asyncquery.udp(query, "127.0.0.1", 0.2, port)
        async with asyncio.timeout(10):
            while not metrics.registry.get_sample_value(  # noqa: ASYNC110 - it may not have arrived yet
                "coredns_rrl_responses_exceeded_total", {"client_ip": "127.0.0.0/24"}
            ):
                await asyncio.sleep(0.01)
        server_of(instance).refresh()
        where = {"server": f"dns://127.0.0.1:{port}", "zone": ".", "view": "", "rcode": "NOERROR"}
        assert metrics.registry.get_sample_value("coredns_dns_responses_total", where) == 1


async def test_made_up_networks_do_not_fill_the_metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wherry.dns.plugins.rrl.MOST_CLIENTS", 3)
    async with running(tmp_path, "responses-per-second 0.001") as (instance, metrics):
        server, data = server_of(instance), dns.message.make_query("a.example", "A").to_wire()
        for n in range(50):
            for _ in range(2):
                await server.answer(data, f"10.{n}.0.1", "udp")
        family = next(m for m in metrics.registry.collect() if m.name == "coredns_rrl_responses_exceeded")
        counts = {s.labels["client_ip"]: s.value for s in family.samples if s.name.endswith("_total")}
        assert counts == {"10.0.0.0/24": 1, "10.1.0.0/24": 1, "10.2.0.0/24": 1, "other": 47}


@pytest.mark.parametrize(
    "line",
    [
        "window 0",
        "window",
        "window nan",
        "ipv4-prefix-length 0",
        "ipv4-prefix-length 33",
        "ipv6-prefix-length 129",
        "responses-per-second -1",
        "responses-per-second 1 2",
        "errors-per-second many",
        "slip-ratio 1.5",
        "max-table-size -1",
        "report-only yes",
        "exempt 10.0.0.0/8",
    ],
)
async def test_what_cannot_be_read_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    (tmp_path / "Corefile").write_text(f".:53 {{\nrrl {{\nslip-ratio 2\n{line}\n}}\n}}\n")
    with pytest.raises(CorefileError, match=rf"Corefile:4: rrl: cannot read '{line}'"):
        await check(DnsConfig(tmp_path / "Corefile"))


def test_the_readme_names_every_option() -> None:
    folder = Path(Accounts.__module__.replace(".", "/")).parent
    readme = (Path(__file__).parents[2] / folder / "README.md").read_text()
    for option in (
        *(f"{kind}-per-second" for kind in ("responses", "nodata", "nxdomains", "referrals", "errors", "requests")),
        *("window", "ipv4-prefix-length", "ipv6-prefix-length", "slip-ratio", "max-table-size", "report-only"),
    ):
        assert f"`{option}`" in readme
