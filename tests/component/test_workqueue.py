"""Keys, each at most once, never two workers on one."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from tests.virtual import in_virtual_time
from wherry.component import workqueue as module
from wherry.component.troubles import Troubles
from wherry.component.workqueue import WorkQueue
from wherry.objects.errors import ServiceUnavailable


@asynccontextmanager
async def working(queue, reconcile, workers=1):
    task = asyncio.create_task(queue.run(reconcile, workers))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def turn(times: int = 20) -> None:
    """Let every task that can go on do so."""
    for _ in range(times):
        await asyncio.sleep(0)


async def test_a_key_that_waits_is_not_queued_again():
    queue, seen = WorkQueue("test"), []
    for key in ("a", "b", "a"):
        queue.add(key)

    async def note(key):
        seen.append(key)

    async with working(queue, note):
        await turn()
    assert seen == ["a", "b"]


async def test_a_key_added_while_it_is_worked_on_is_worked_on_again_afterwards_by_one_worker():
    queue, going, seen = WorkQueue("test"), asyncio.Event(), []

    async def slow(key):
        seen.append("start")
        await going.wait()
        seen.append("end")

    queue.add("a")
    async with working(queue, slow, workers=3):
        await turn()
        queue.add("a")
        queue.add("a")
        await turn()
        assert seen == ["start"]
        going.set()
        await turn()
    assert seen == ["start", "end", "start", "end"]


async def test_a_failed_key_comes_back_later_and_later(monkeypatch):
    monkeypatch.setattr(module, "FIRST_RETRY_SECONDS", 0.001)
    queue, seen, done = WorkQueue("test"), [], asyncio.Event()

    async def fail_twice(key):
        seen.append(key)
        if len(seen) < 3:
            raise ServiceUnavailable("not now")
        done.set()

    queue.add("a")
    async with working(queue, fail_twice), asyncio.timeout(5):
        await done.wait()
    assert seen == ["a"] * 3


async def test_of_several_delays_for_one_key_the_shortest_counts():
    queue, seen = WorkQueue("test"), []

    async def note(key):
        seen.append(key)

    async with working(queue, note):
        for seconds in (0.02, 60.0, 0.01, 30.0):
            queue.add_after("a", seconds)
        queue.add_after("last", 0.03)
        async with asyncio.timeout(5):
            while "last" not in seen:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
    assert seen == ["a", "last"]


@pytest.mark.parametrize("error", [KeyError("bug"), asyncio.CancelledError()])
async def test_a_bug_at_one_key_does_not_end_the_work_and_is_told_until_it_is_gone(error, caplog, monkeypatch):
    monkeypatch.setattr(module, "FIRST_RETRY_SECONDS", 0.001)
    troubles, seen, done = Troubles("test-queue"), [], asyncio.Event()
    queue = WorkQueue("test", troubles)
    troubled = []

    async def broken(key):
        seen.append(key)
        troubled.append(troubles.check())
        if key == "bad" and seen.count("bad") < 3:
            raise error
        if key == "bad":
            done.set()

    queue.add("bad")
    queue.add("good")
    async with working(queue, broken), asyncio.timeout(5):
        await done.wait()
        await turn()
    assert seen == ["bad", "good", "bad", "bad"]
    assert troubled == [None, *[f"queue test fails at bad: {error!r}"] * 3]
    assert troubles.check() is None
    assert len([r for r in caplog.records if r.exc_info]) == 1


def test_a_key_that_fails_for_weeks_still_comes_back(monkeypatch):
    async def main():
        queue, calls = WorkQueue("test"), 0

        async def fail(key):
            nonlocal calls
            calls += 1
            raise ServiceUnavailable("not now")

        queue.add("a")
        async with working(queue, fail):
            await asyncio.sleep(60.0 * 2000)
        return calls

    assert in_virtual_time(main()) > 1990
