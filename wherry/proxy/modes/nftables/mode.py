"""The edge of the nftables mode: transactions go to nft, and what they leave behind in the kernel is cut."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator

from wherry.net import nftwatch
from wherry.net.conntrack import ConntrackError, delete_udp_flows
from wherry.net.nft import Nft, NftError, Transaction
from wherry.proxy.modes import ModeConfig, ModeError
from wherry.proxy.modes.nftables.layout import TABLE, Layout
from wherry.proxy.modes.nftables.ruleset import Ruleset
from wherry.proxy.modes.nftables.stale import affinity_suspects, stale_affinities, stale_paths
from wherry.proxy.plan import Change, Frontend, Plan, difference
from wherry.proxy.service import collapse

log = logging.getLogger(__name__)

AFFINITY_ATTEMPTS = 3


class NftablesMode:
    """`Mode` in one table, `ip wherry-proxy`. IPv4 only: IPv6 frontends are logged and left alone."""

    def __init__(self, config: ModeConfig, nft: Nft):
        self._layout = Layout(ModeConfig(tuple(collapse(config.cluster_cidrs)), tuple(collapse(config.service_cidrs))))
        self._nft = nft
        self._ruleset = Ruleset(self._layout)
        self._ignored: set[Frontend] = set()

    async def load(self, plan: Plan) -> None:
        """Replace or refill the table, whatever is in it."""
        change = self._programmable(difference(Plan(), plan))
        try:
            found = await self._nft.list_table(TABLE)
            self._ruleset = Ruleset(self._layout)
            await self._nft.run(str(self._ruleset.load(change, found)))
        except NftError as error:
            raise ModeError(f"cannot load {TABLE}: {error}") from error
        bound = {f for f, (_, route) in change.routes.items() if route and route.affinity_seconds}
        await self._cut(change, bound if found else set())

    async def apply(self, change: Change) -> None:
        """Apply one change."""
        change = self._programmable(change)
        transaction = self._ruleset.update(change)
        if transaction:
            try:
                await self._nft.run(str(transaction))
            except NftError as error:
                raise ModeError(f"cannot change {TABLE}: {error}") from error
        await self._cut(change, affinity_suspects(change))

    async def cleanup(self) -> None:
        """Delete the table."""
        try:
            await self._nft.run(f"add table {TABLE}\ndelete table {TABLE}\n")
        except NftError as error:
            raise ModeError(f"cannot delete {TABLE}: {error}") from error

    async def intact(self) -> bool:
        """Whether the table is there, and of this layout."""
        try:
            found = await self._nft.list_table(TABLE)
        except NftError as error:
            raise ModeError(f"cannot look at {TABLE}: {error}") from error
        return self._layout.is_of(found)

    @contextlib.contextmanager
    def watch(self, suspect: Callable[[], None]) -> Iterator[None]:
        """Hear of the table's deletion from the kernel."""
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(nftwatch.watch(TABLE, suspect))
            except OSError as error:
                log.warning("a deletion of %s by others will not be noticed: %s", TABLE, error)
            yield

    def render(self, plan: Plan) -> str:
        """Return the script that fills an empty kernel."""
        return str(Ruleset(self._layout).load(self._programmable(difference(Plan(), plan)), None))

    def _programmable(self, change: Change) -> Change:
        ignored = {f for f in change.routes if ":" in f.address}
        for frontend in sorted(ignored - self._ignored):
            log.warning("%s is not programmed: this mode is IPv4 only", frontend)
        self._ignored |= ignored
        if not ignored:
            return change
        return Change({f: pair for f, pair in change.routes.items() if ":" not in f.address}, change.health_checks)

    async def _cut(self, change: Change, suspects: set[Frontend]) -> None:
        """Cut affinities and UDP flows the change made stale. A failure is logged: they run out by themselves."""
        if suspects:
            await self._cut_affinities(change, suspects)
        stale = stale_paths(change)
        if stale is None:
            return
        try:
            count = await delete_udp_flows(stale)
        except ConntrackError as error:
            log.warning("stale UDP flows may go on: %s", error)
        else:
            if count:
                log.info("cut %d stale UDP flows", count)

    async def _cut_affinities(self, change: Change, suspects: Iterable[Frontend]) -> None:
        """Delete bindings to endpoints that are gone; packets change the map meanwhile, so look again if it fails."""
        problem: NftError | None = None
        for _ in range(AFFINITY_ATTEMPTS):
            try:
                listed = await self._nft.list_map(TABLE, "affinity")
                stale = dict(stale_affinities(listed, suspects, change))
                if stale:
                    # One that ran out since is added first, as deleting what is not there fails the transaction.
                    await self._nft.run(str(Transaction(TABLE, added={"affinity": stale})))
                    await self._nft.run(str(Transaction(TABLE, deleted={"affinity": list(stale)})))
                return
            except NftError as error:
                problem = error
        log.warning("stale client affinities may go on: %s", problem)
