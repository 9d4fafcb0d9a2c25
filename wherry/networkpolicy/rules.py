"""The rules of one node's network namespace: a table for each IP family."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from wherry.net.tables import Kernel
from wherry.networkpolicy.layout import Layout
from wherry.networkpolicy.plan import Change, Plan
from wherry.networkpolicy.table import Table
from wherry.objects.family import Family


class Rules:
    """What the kernel of the calling thread's namespace has of policies. Every method raises `NftError`.

    One caller at a time, but for `differences`. After an error, `load` the whole plan again.
    """

    def __init__(self) -> None:
        self._kernel = Kernel()
        self._tables = [Table(Layout(family), self._kernel) for family in Family]

    async def load(self, plan: Plan) -> None:
        """Bring the kernel to the plan, whatever it holds now."""
        for table in self._tables:
            await table.load(plan)

    async def apply(self, change: Change, plan: Plan) -> None:
        """Bring the kernel from the plan before `change` to `plan`, the one after; the cost follows the change."""
        for table in self._tables:
            await table.apply(change, plan)

    async def cleanup(self) -> None:
        """Take everything out of the kernel: all is allowed."""
        for table in self._tables:
            await table.cleanup()

    async def differences(self, plan: Plan) -> list[str]:
        """Return, for people, what in the kernel is not as `load` and `apply` left it."""
        return [f"{what} in {table.name}" for table in self._tables for what in await table.differences(plan)]

    @contextlib.contextmanager
    def at_work(self, suspect: Callable[[], None]) -> Iterator[None]:
        """Change elements by netlink, and hear of what others change: `suspect` is called then."""
        with self._kernel.at_work({table.name for table in self._tables}, suspect):
            yield
