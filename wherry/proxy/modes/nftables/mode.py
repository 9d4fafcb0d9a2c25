"""The mode: a table for each IP family, `ip wherry-proxy` and `ip6 wherry-proxy`, alike in all but addresses."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable

from wherry.net.tables import Kernel
from wherry.objects.family import Family
from wherry.proxy.modes import ModeConfig, ModeError
from wherry.proxy.modes.nftables.layout import Layout
from wherry.proxy.modes.nftables.table import Table
from wherry.proxy.plan import Change, Plan, Route, by_family, difference


class NftablesMode:
    """`Mode` in two nftables tables, one per family."""

    def __init__(self, config: ModeConfig, layout: type[Layout] = Layout):
        self._kernel = Kernel()
        self._tables = {family: Table(layout(family, config), self._kernel) for family in Family}

    async def load(self, plan: Plan) -> None:
        """Replace or refill the tables, whatever is in them: one family's trouble does not keep the other waiting."""
        problems = []
        for family, change in by_family(difference(Plan(), plan)).items():
            try:
                await self._tables[family].load(change)
            except ModeError as error:
                problems.append(str(error))
        if problems:
            raise ModeError("; ".join(problems))

    async def apply(self, change: Change) -> None:
        """Apply one change."""
        for family, part in by_family(change).items():
            await self._tables[family].apply(part)

    async def cleanup(self) -> None:
        """Delete the tables."""
        for table in self._tables.values():
            await table.cleanup()

    async def retire(self) -> bool:
        """Nothing of it serves a connection that is there already."""
        await self.cleanup()
        return True

    async def differences(self, plan: Plan) -> list[str]:
        """Return what is not as `load` and `apply` have left it."""
        routes: dict[Family, list[Route]] = {family: [] for family in Family}
        for route in plan.routes.values():
            routes[route.frontend.family].append(route)
        found = [(t.name, await t.differences(routes[family])) for family, t in self._tables.items()]
        return [f"{what} in {name}" for name, differing in found for what in differing]

    @contextlib.asynccontextmanager
    async def at_work(self, suspect: Callable[[], None]) -> AsyncIterator[None]:
        """Change elements by netlink, and hear from the kernel of what others change."""
        with self._kernel.at_work({table.name for table in self._tables.values()}, suspect):
            yield

    def render(self, plan: Plan) -> str:
        """Return the script that fills an empty kernel."""
        parts = by_family(difference(Plan(), plan))
        return "".join(self._tables[family].render(change) for family, change in parts.items())
