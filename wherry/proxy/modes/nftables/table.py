"""The edge of one family: transactions go to the kernel, what they leave behind there is cut, and all of it proven."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable

from wherry.net.nfnetlink.proof import Strange, damaged, packed, strange, told
from wherry.net.nfnetlink.readback import Structure
from wherry.net.nft import NftError, Transaction
from wherry.net.tables import Kernel
from wherry.proxy.modes import ModeError
from wherry.proxy.modes.nftables.affinities import Routes, stale_affinities
from wherry.proxy.modes.nftables.layout import Layout
from wherry.proxy.modes.nftables.names import AFFINITY, affinity_map, affinity_parts
from wherry.proxy.modes.nftables.ruleset import Ruleset
from wherry.proxy.plan import Change, Frontend, Route
from wherry.proxy.stale import affinity_suspects, cut_udp_flows

log = logging.getLogger(__name__)

AFFINITY_ATTEMPTS = 3


class Table:
    """One family's table in the kernel. It is made when the family has Services, or a CIDR in the configuration."""

    def __init__(self, layout: Layout, kernel: Kernel):
        self.name = layout.table
        self._layout = layout
        self._kernel = kernel
        self._nft = kernel.nft
        self._ruleset = Ruleset(layout)
        self._made: Structure = {}
        self._written: set[Strange] | None = None  # while it is proven
        self._loaded = False

    async def load(self, whole: Change) -> None:
        """Replace or refill the table, whatever is in it; `whole` is the change from no plan."""
        try:
            found = await self._nft.list_table(self.name)
            self._loaded = found is not None or self._is_due(whole)
            if self._loaded:
                self._ruleset = Ruleset(self._layout)
                await self._run(self._ruleset.load(whole, found))
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
                await self._run(transaction)
            except NftError as error:
                raise ModeError(f"cannot change {self.name}: {error}") from error
        await self._cut(change, affinity_suspects(change))

    async def cleanup(self) -> None:
        """Delete the table; its rules first: while it goes, its maps are empty already, and it would refuse."""
        try:
            if await self._nft.list_table(self.name) is not None:
                await self._nft.run(f"flush table {self.name}\n")
                await self._nft.run(f"delete table {self.name}\n")
        except NftError as error:
            raise ModeError(f"cannot delete {self.name}: {error}") from error

    async def differences(self, routes: Collection[Route]) -> list[str]:
        """Return what in the table is not as it was loaded and changed since, for people."""
        if not self._loaded or not self._kernel.can_read:
            return []
        try:
            if found := damaged(self._ruleset.shape, self._made, self._kernel.structure(self.name)):
                return found
            return told(await self._strange(routes))
        except NftError as error:
            raise ModeError(f"cannot look at {self.name}: {error}") from error

    async def _strange(self, routes: Collection[Route]) -> set[Strange]:
        """Return the elements that are not as they should be. What is written meanwhile is looked at the next time."""
        ruleset, written = self._ruleset, set[Strange]()
        self._written = written
        try:
            wanted = await asyncio.to_thread(ruleset.contents, routes)
            found: set[Strange] = set()
            for name, of in self._layout.types.items():
                there = await self._kernel.elements(self.name, name)
                found |= await asyncio.to_thread(strange, name, of, wanted[name], there)
        finally:
            self._written = None
        return found - written if ruleset is self._ruleset else set()

    def render(self, whole: Change) -> str:
        """Return the script that fills an empty kernel, or "" where there is nothing to do."""
        return str(Ruleset(self._layout).load(whole, None)) if self._is_due(whole) else ""

    async def _run(self, transaction: Transaction) -> None:
        types = self._layout.types
        await self._kernel.run(transaction, types)
        if self._written is not None:
            for changed in (transaction.deleted, transaction.added):
                self._written |= {(name, packed(types[name], key)) for name, keys in changed.items() for key in keys}
        if not transaction.is_of_elements:
            self._made = self._kernel.structure(self.name)

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
