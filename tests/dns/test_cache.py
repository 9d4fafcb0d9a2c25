"""The cache: how long an answer is kept, what is handed out meanwhile and after."""

import asyncio
from dataclasses import dataclass, field

from wherry.component.troubles import Troubles
from wherry.dns.chain import Environment
from wherry.dns.corefile import parse
from wherry.dns.metrics import Metrics
from wherry.dns.plugins.cache import Cache, settings
from wherry.dns.query import NOERROR, NXDOMAIN, SERVFAIL, Answer, Query, refuse
from wherry.dns.wire.record import A, Record, soa


@dataclass
class World:
    """A cache in front of an upstream that answers `given`, and a clock."""

    options: str = ""
    now: float = 1000.0
    asked: int = 0
    ttl: int = 60
    rcode: int = NOERROR
    cacheable: bool = True
    metrics: Metrics = field(default_factory=Metrics)

    def __post_init__(self) -> None:
        (block,) = parse(f". {{\ncache {self.options}\n}}", {})
        environment = Environment(
            client=lambda: None,  # type: ignore[arg-type,return-value]
            resolve=refuse,
            changed=lambda tags: None,
            reload=lambda: None,
            fail=lambda why: None,
            metrics=self.metrics,
            corefile="",
            waiting=list,
            troubles=Troubles("dns"),
            plugins={},
        )
        self.cache = Cache(settings(block.directives[0], block), environment, lambda: self.now)

    async def upstream(self, query: Query) -> Answer:
        self.asked += 1
        records = (Record(query.name, A, self.ttl, bytes(4)),) if self.rcode == NOERROR else ()
        authority = (soa(b"\0", self.ttl, 1),) if self.rcode == NXDOMAIN else ()
        return Answer(self.rcode, records, authority, cacheable=self.cacheable)

    async def ask(self, name: str = "a.example.") -> tuple[int | None, int]:
        """Return the code and the first TTL of an answer."""
        answer = await self.cache.serve(Query.ask(name, A), self.upstream)
        records = answer.answer or answer.authority
        return answer.rcode, records[0].ttl if records else -1


async def test_no_ttl_above_the_longest_is_handed_out_and_it_counts_down() -> None:
    world = World("30", ttl=120)
    assert await world.ask() == (NOERROR, 30)
    world.now += 12.5
    assert await world.ask() == (NOERROR, 18)
    world.now += 18
    assert await world.ask() == (NOERROR, 30)
    assert world.asked == 2


async def test_an_answer_is_kept_five_seconds_at_least() -> None:
    world = World("30", ttl=1)
    assert await world.ask() == (NOERROR, 5)


async def test_the_shortest_and_the_longest_can_be_said_for_each_sort() -> None:
    world = World("{\nsuccess 10 20 8\ndenial 10 12\n}", ttl=2)
    assert await world.ask() == (NOERROR, 8)
    world.rcode, world.ttl = NXDOMAIN, 600
    assert await world.ask("b.example.") == (NXDOMAIN, 12)


async def test_our_own_failures_are_not_kept_but_an_upstreams_are() -> None:
    world = World(rcode=SERVFAIL, cacheable=False)
    await world.ask()
    await world.ask()
    assert world.asked == 2
    world.cacheable = True
    for world.now in (1000.0, 1004.0, 1006.0):
        await world.ask()
    assert world.asked == 4


async def test_what_is_popular_is_fetched_before_it_runs_out() -> None:
    world = World("{\nprefetch 2 60s 20%\n}", ttl=100)
    for world.now in (1000.0, 1001.0, 1002.0, 1081.0):
        await world.ask()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert world.asked == 1, "the last query came after a gap of more than a minute"
    for world.now in (1081.5, 1082.0):
        await world.ask()
    for _ in range(3):
        await asyncio.sleep(0)
    assert world.asked == 2
    assert await world.ask() == (NOERROR, 100)


async def test_what_has_run_out_is_given_with_no_time_left_and_asked_for_again() -> None:
    world = World("{\nserve_stale 1h\n}")
    await world.ask()
    world.now += 600
    assert await world.ask() == (NOERROR, 0)
    for _ in range(3):
        await asyncio.sleep(0)
    assert await world.ask() == (NOERROR, 60)
    world.now += 2 * 3600
    assert await world.ask() == (NOERROR, 60)
    assert world.asked == 3


async def test_what_has_run_out_is_given_only_where_upstream_fails() -> None:
    world = World("{\nserve_stale 1h verify\n}")
    await world.ask()
    world.now += 600
    assert await world.ask() == (NOERROR, 60)
    world.now += 600
    world.rcode, world.cacheable = SERVFAIL, False
    assert await world.ask() == (NOERROR, 0)


async def test_the_whole_ttl_is_handed_out_where_that_is_wanted() -> None:
    world = World("{\nkeepttl\n}")
    await world.ask()
    world.now += 40
    assert await world.ask() == (NOERROR, 60)


async def test_the_oldest_makes_place_and_is_counted() -> None:
    world = World("{\nsuccess 2\n}")
    for name in ("a.", "b.", "c.", "b.", "a."):
        await world.ask(name)
    assert world.asked == 4
    value = world.metrics.registry.get_sample_value("coredns_cache_evictions_total", {"type": "success"})
    assert value == 2


async def test_letters_do_not_matter_but_dnssec_does() -> None:
    world = World()
    await world.ask("a.example.")
    await world.ask("A.EXAMPLE.")
    assert world.asked == 1
