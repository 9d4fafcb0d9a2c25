"""The mode: a table for each IP family, `ip wherry-proxy` and `ip6 wherry-proxy`, alike in all but addresses."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable

from wherry.net import nftwatch
from wherry.net.nft import Nft
from wherry.objects.family import Family
from wherry.proxy.modes import ModeConfig, ModeError
from wherry.proxy.modes.nftables.layout import Layout
from wherry.proxy.modes.nftables.table import Table
from wherry.proxy.plan import Change, Frontend, Plan, Route, difference

log = logging.getLogger(__name__)


class NftablesMode:
    """`Mode` in two nftables tables, one per family."""

    def __init__(self, config: ModeConfig, nft: Nft):
        self._tables = {family: Table(Layout(family, config), nft) for family in Family}

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

    async def intact(self) -> bool:
        """Whether the tables are there, and of this layout."""
        return all([await table.intact() for table in self._tables.values()])

    @contextlib.asynccontextmanager
    async def at_work(self, suspect: Callable[[], None]) -> AsyncIterator[None]:
        """Hear of a table's deletion from the kernel."""
        names = {table.name for table in self._tables.values()}
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(nftwatch.watch(names, suspect))
            except OSError as error:
                log.warning("a deletion of %s by others will not be noticed: %s", " or ".join(sorted(names)), error)
            yield

    def render(self, plan: Plan) -> str:
        """Return the script that fills an empty kernel."""
        parts = by_family(difference(Plan(), plan))
        return "".join(self._tables[family].render(change) for family, change in parts.items())


def by_family(change: Change) -> dict[Family, Change]:
    """Return the routes of a change for each family, be there any or not."""
    routes: dict[Family, dict[Frontend, tuple[Route | None, Route | None]]] = {family: {} for family in Family}
    for frontend, pair in change.routes.items():
        routes[frontend.family][frontend] = pair
    return {family: Change(part) for family, part in routes.items()}
