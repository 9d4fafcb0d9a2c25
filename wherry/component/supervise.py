"""Running a task again whenever it ends or crashes: at once when that is rare, later and later when it is not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable

from wherry.component.restarts import Restarts
from wherry.component.troubles import Part, Troubles

Work = Callable[[], Awaitable[None]]

SETTLED_SECONDS = 0.1
"""A task that has run for so long is no longer in trouble, unless it was left alone for longer before."""


def told_to_end() -> bool:
    """Return whether the current task has been cancelled; a `CancelledError` may also come from what it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class Ended(Exception):
    """A task that should run for ever returned."""


async def supervise(name: str, work: Work, troubles: Troubles, *, forever: bool = True) -> None:
    """Call `work` again whenever it crashes, or (`forever`) ends; cancelling ends it."""
    part = troubles.part(f"task {name}")
    try:
        await keep(work, part, "", forever=forever)
    finally:
        troubles.drop(part)


async def keep(work: Work, part: Part, key: Hashable, *, forever: bool = True) -> None:
    """Do the same for one of many like it: `key` of `part`.

    After a crash the task is in trouble until it has run for a while: as long as it was left alone before, at least.
    """
    restarts = Restarts()
    loop = asyncio.get_running_loop()
    pause = 0.0
    try:
        while True:
            started = loop.time()
            settled = loop.call_later(max(pause, SETTLED_SECONDS), part.succeeded, key)
            try:
                await loop.create_task(_task(work))
                if not forever:
                    return
                raise Ended("it ended, unasked")
            except (Exception, asyncio.CancelledError) as error:  # a bug of one task must not end the others
                if told_to_end():
                    raise
                part.note(key, error)
                pause = restarts.ended(loop.time() - started)
            finally:
                settled.cancel()
            await asyncio.sleep(pause)
    finally:
        part.succeeded(key)


async def _task(work: Work) -> None:
    """Be a task of its own: an `asyncio.TaskGroup` of Python 3.11 may leave the one it ends in marked as cancelled."""
    await work()
