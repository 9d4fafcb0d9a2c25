"""A task that crashes comes back: at once when that is rare, later and later when it is not, and it says so."""

from __future__ import annotations

import asyncio

from tests.virtual import in_virtual_time
from wherry.component.supervise import supervise
from wherry.component.troubles import FAILURES, Troubles


def starts_of(lives: list[float], for_seconds: float, error: BaseException | None = None) -> list[float]:
    """Return when a task starts that lives for so long each time, the last value for ever, and then raises."""

    async def main() -> list[float]:
        loop, starts = asyncio.get_running_loop(), []

        async def work() -> None:
            starts.append(round(loop.time(), 3))
            await asyncio.sleep(lives[min(len(starts), len(lives)) - 1])
            raise error or RuntimeError("broken")

        task = asyncio.create_task(supervise("work", work, Troubles("test")))
        await asyncio.sleep(for_seconds)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return starts

    return in_virtual_time(main())


def test_a_rare_crash_makes_no_pause():
    assert starts_of([0.0, 600.0, 600.0], 1300.0) == [0.0, 0.0, 600.0, 1200.0]


def test_crashes_in_a_row_come_back_later_and_later():
    assert starts_of([0.0], 3.0) == [0.0, 0.0, 0.0, 0.0, 0.0, 0.1, 0.3, 0.7, 1.5]
    gaps = starts_of([0.0], 300.0)
    assert gaps[-1] - gaps[-2] == 10.0


def test_a_task_that_ends_unasked_comes_back():
    async def main() -> int:
        calls = 0

        async def work() -> None:
            nonlocal calls
            calls += 1

        task = asyncio.create_task(supervise("work", work, Troubles("test")))
        await asyncio.sleep(1.0)
        task.cancel()
        return calls

    assert in_virtual_time(main()) > 2


def test_a_task_cancelled_by_what_it_waits_for_comes_back():
    assert starts_of([0.0], 0.5, asyncio.CancelledError()) == [0.0] * 5 + [0.1, 0.3]


def test_cancelling_ends_it_even_when_the_work_raises_on_its_way_out():
    async def main() -> bool:
        async def work() -> None:
            try:
                await asyncio.sleep(3600)
            finally:
                raise RuntimeError("in the way")

        task = asyncio.create_task(supervise("work", work, Troubles("test")))
        await asyncio.sleep(1.0)
        task.cancel()
        async with asyncio.timeout(1.0):
            await asyncio.wait([task])
        return task.done() and isinstance(task.exception(), RuntimeError)

    assert in_virtual_time(main())


def test_a_crash_is_logged_once_counted_and_shown_until_the_task_has_run_for_a_while(caplog):
    async def main() -> list[str | None]:
        troubles, seen, fails = Troubles("test-supervise"), [], 2

        async def work() -> None:
            nonlocal fails
            fails -= 1
            if fails >= 0:
                await asyncio.sleep(0.05)
                raise RuntimeError("broken")
            await asyncio.sleep(3600)

        task = asyncio.create_task(supervise("work", work, troubles))
        for until in (0.06, 0.11, 0.19, 0.25):
            await asyncio.sleep(until - asyncio.get_running_loop().time())
            seen.append(troubles.check())
        task.cancel()
        return seen

    before = FAILURES.labels("test-supervise", "task work")._value.get()
    failing = "task work fails: RuntimeError('broken')"
    assert in_virtual_time(main()) == [failing, failing, failing, None]
    assert [r.levelname for r in caplog.records if r.exc_info] == ["ERROR"]
    assert FAILURES.labels("test-supervise", "task work")._value.get() - before == 2


def test_a_task_comes_back_whose_group_ends_by_an_error():
    """Python 3.11's TaskGroup leaves the task that waits for it marked as cancelled."""

    async def main() -> int:
        starts = 0

        async def work() -> None:
            nonlocal starts
            starts += 1
            async with asyncio.TaskGroup() as group:
                group.create_task(fail())

        async def fail() -> None:
            await asyncio.sleep(0.01)
            raise RuntimeError("broken")

        task = asyncio.create_task(supervise("work", work, Troubles("test")))
        await asyncio.sleep(1.0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return starts

    assert in_virtual_time(main()) > 2
