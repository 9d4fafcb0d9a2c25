"""Two samples make a rate, whatever began anew between them; what was measured is kept for a while."""

from __future__ import annotations

import asyncio

from tests.virtual import in_virtual_time
from wherry.apiserver.usage import measuring
from wherry.apiserver.usage.measuring import Measuring
from wherry.apiserver.usage.rates import Counters, Sample, Usage, between, sample
from wherry.objects import Object

SECOND = 1_000_000_000


def test_a_rate_is_what_was_used_meanwhile() -> None:
    old = Sample(100.0, Counters(5 * SECOND, 10), {("u", "web"): Counters(SECOND, 1)})
    new = Sample(110.0, Counters(10 * SECOND, 20), {("u", "web"): Counters(2 * SECOND, 3)})
    found = between(old, new)
    assert (found.at, found.window, found.node) == (110.0, 10.0, Usage(SECOND // 2, 20))
    assert found.containers == {("u", "web"): Usage(SECOND // 10, 3)}


def test_what_began_meanwhile_or_anew_counts_from_its_start() -> None:
    old = Sample(100.0, None, {("u", "again"): Counters(9 * SECOND, 1, 50.0)})
    counters = {("u", "again"): Counters(SECOND, 1, 106.0), ("u", "new"): Counters(SECOND, 1, 105.0)}
    found = between(old, Sample(110.0, None, counters)).containers
    assert found == {("u", "again"): Usage(SECOND // 4, 1), ("u", "new"): Usage(SECOND // 5, 1)}


def test_what_an_agent_does_not_say_is_left_out() -> None:
    used = {"cpu": {"usageCoreNanoSeconds": 7}, "memory": {"workingSetBytes": 8}}
    containers = [{"name": "a", **used, "startTime": "1970-01-01T00:00:09Z"}, {"name": "b"}, {"name": "c", "cpu": 5}]
    found = sample({"node": {}, "pods": [{"podRef": {"uid": "u"}, "containers": containers}, {}]}, 5.0)
    assert found == Sample(5.0, None, {("u", "a"): Counters(7, 8, 9.0)})
    assert sample({"pods": None}, 1.0) == Sample(1.0, None, {})


def test_who_asks_soon_is_answered_the_same_and_who_asks_later_gets_the_mean_since() -> None:
    async def asked() -> None:
        loop = asyncio.get_running_loop()
        looks: list[float] = []

        async def look(node: Object) -> Sample:
            looks.append(loop.time())
            return Sample(loop.time(), Counters(int(loop.time() * SECOND), 1), {})

        nodes = [{"metadata": {"name": "n"}}]
        measured = Measuring(look, loop.time)
        first, same = await asyncio.gather(measured.of(nodes), measured.of(nodes))
        assert first == same
        assert first["n"].node == Usage(SECOND, 1)
        assert len(looks) == 2
        await asyncio.sleep(measuring.FRESH_SECONDS + 5)
        assert (await measured.of(nodes))["n"].window == measuring.FRESH_SECONDS + 5
        assert len(looks) == 3
        await asyncio.sleep(measuring.OLDEST_SECONDS)
        assert (await measured.of(nodes))["n"].window == measuring.FIRST_WINDOW_SECONDS
        measured.forget([])
        assert (await measured.of(nodes))["n"].window == measuring.FIRST_WINDOW_SECONDS

    in_virtual_time(asked())


def test_a_node_that_does_not_answer_is_left_out_and_holds_up_nobody() -> None:
    async def asked() -> None:
        loop = asyncio.get_running_loop()

        async def look(node: Object) -> Sample | None:
            return None if node["metadata"]["name"] == "lost" else Sample(loop.time(), None, {})

        found = await Measuring(look, loop.time).of([{"metadata": {"name": name}} for name in ("lost", "n")])
        assert list(found) == ["n"]

    in_virtual_time(asked())
