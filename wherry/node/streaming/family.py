"""A process with all its descendants, to be ended as one: a container's command has no group that is surely its own."""

from __future__ import annotations

import asyncio
import os
import select
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

CHECK_SECONDS = 0.02


class Family:
    """Process `pid` and those below it, held by pidfds (pidfd_open(2)), so that no later owner of a pid is hit.

    Children whose parent ended before the first look cannot be found any more. Close it at last.
    """

    def __init__(self, pid: int):
        self._root = pid
        self._members: dict[int, int] = {}
        self.grow()

    def grow(self) -> None:
        """Add the processes that have come since."""
        for pid in _tree(self._root):
            if pid not in self._members:
                with suppress(OSError):
                    self._members[pid] = os.pidfd_open(pid)

    def signal(self, number: signal.Signals) -> None:
        """Signal every member that is alive."""
        for fd in self._members.values():
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(fd, number)

    async def ended(self, seconds: float) -> bool:
        """Wait until all members have ended, at most `seconds`; tell whether they have."""
        poll = select.poll()
        for fd in self._members.values():
            poll.register(fd, select.POLLIN)
        deadline = asyncio.get_running_loop().time() + seconds
        while len(poll.poll(0)) < len(self._members):
            if asyncio.get_running_loop().time() >= deadline:
                return False
            await asyncio.sleep(CHECK_SECONDS)
        return True

    def close(self) -> None:
        """Let go of the processes."""
        for fd in self._members.values():
            os.close(fd)
        self._members.clear()


def _tree(pid: int) -> Iterator[int]:
    """Yield a process and its descendants, parents first (proc_tid_children(5))."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in task.read_text().split():
                yield from _tree(int(child))
