"""The edge of one family: transactions go to nft, and what they leave behind in the kernel is cut."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from wherry.net.nft import Nft, NftError, Transaction
from wherry.proxy.modes import ModeError
from wherry.proxy.modes.nftables.affinities import Routes, stale_affinities
from wherry.proxy.modes.nftables.layout import Layout
from wherry.proxy.modes.nftables.names import AFFINITY, affinity_map, affinity_parts
from wherry.proxy.modes.nftables.ruleset import Ruleset
from wherry.proxy.plan import Change, Frontend
from wherry.proxy.stale import affinity_suspects, cut_udp_flows

log = logging.getLogger(__name__)

AFFINITY_ATTEMPTS = 3


class Table:
    """One family's table in the kernel. It is made when the family has Services, or a CIDR in the configuration."""

    def __init__(self, layout: Layout, nft: Nft):
        self.name = layout.table
        self._layout = layout
        self._nft = nft
        self._ruleset = Ruleset(layout)
        self._loaded = False

    async def load(self, whole: Change) -> None:
        """Replace or refill the table, whatever is in it; `whole` is the change from no plan."""
        try:
            found = await self._nft.list_table(self.name)
            self._loaded = found is not None or self._is_due(whole)
            if self._loaded:
                self._ruleset = Ruleset(self._layout)
                await self._nft.run(str(self._ruleset.load(whole, found)))
        except NftError as error:
            raise ModeError(f"cannot load {self.name}: {error}") from error
        bound = {f for f, (_, route) in whole.routes.items() if route and route.affinity_seconds}
        await self._cut(whole, bound if found else set())

    async def apply(self, change: Change) -> None:
        """Apply one change."""
        if not change.routes:
            return
        if not self._loaded:  # the family's first Service
            await self.load(change)
            return
        transaction = self._ruleset.update(change)
        if transaction:
            try:
                await self._nft.run(str(transaction))
            except NftError as error:
                raise ModeError(f"cannot change {self.name}: {error}") from error
        await self._cut(change, affinity_suspects(change))

    async def cleanup(self) -> None:
        """Delete the table."""
        try:
            await self._nft.run(f"add table {self.name}\ndelete table {self.name}\n")
        except NftError as error:
            raise ModeError(f"cannot delete {self.name}: {error}") from error

    async def intact(self) -> bool:
        """Whether the table is as it was loaded: there, and of this layout."""
        if not self._loaded:
            return True
        try:
            found = await self._nft.list_table(self.name)
        except NftError as error:
            raise ModeError(f"cannot look at {self.name}: {error}") from error
        return self._layout.is_of(found)

    def render(self, whole: Change) -> str:
        """Return the script that fills an empty kernel, or "" where there is nothing to do."""
        return str(Ruleset(self._layout).load(whole, None)) if self._is_due(whole) else ""

    def _is_due(self, whole: Change) -> bool:
        return bool(whole.routes or self._layout.cluster_cidrs or self._layout.service_cidrs)

    async def _cut(self, change: Change, suspects: Iterable[Frontend]) -> None:
        """Cut affinities and UDP flows the change made stale. A failure is logged: they run out by themselves."""
        by_map: dict[str, Routes] = {}
        for frontend in suspects:
            name, route = affinity_map(frontend), change.routes[frontend][1]
            if name == AFFINITY or (route is not None and route.affinity_seconds):  # else its own map is gone
                by_map.setdefault(name, {})[frontend] = route
        for name, routes in by_map.items():
            await self._cut_affinities(name, routes)
        await cut_udp_flows(change, self._layout.family)

    async def _cut_affinities(self, name: str, routes: Routes) -> None:
        """Delete bindings to endpoints that are gone; packets change the map meanwhile, so look again if it fails."""
        problem: NftError | None = None
        for _ in range(AFFINITY_ATTEMPTS):
            try:
                listed = {part: await self._nft.list_map(self.name, part) for part in affinity_parts(name)}
                stale = stale_affinities(name, listed, routes)
                if stale:
                    # One that ran out since is added first, as deleting what is not there fails the transaction.
                    await self._nft.run(str(Transaction(self.name, added=stale)))
                    await self._nft.run(str(Transaction(self.name, deleted={n: list(e) for n, e in stale.items()})))
                return
            except NftError as error:
                problem = error
        log.warning("stale client affinities may go on: %s", problem)
