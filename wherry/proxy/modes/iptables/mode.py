"""The mode: one set of chains for each IP family, alike in all but addresses."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterator

from wherry.net.iptables import VARIANTS, Iptables, variant_here
from wherry.net.nfnetlink.watch import Watch
from wherry.objects.family import Family
from wherry.proxy.modes import ModeConfig, ModeError
from wherry.proxy.modes.iptables.family import FamilyRules
from wherry.proxy.modes.iptables.layout import Layout
from wherry.proxy.modes.iptables.ruleset import TABLES
from wherry.proxy.plan import Change, Plan, by_family, difference
from wherry.proxy.stale import cut_udp_flows

log = logging.getLogger(__name__)


class IptablesMode:
    """`Mode` in the tables nat and filter, of whichever variant of iptables this machine uses."""

    def __init__(self, config: ModeConfig, variant: str | None = None, layout: type[Layout] = Layout):
        self._config = config
        self._layout = layout
        self._variant = variant
        self._tools: dict[Family, Iptables] = {}
        self._made: dict[Family, FamilyRules] = {}

    async def load(self, plan: Plan, due: Collection[Family] = ()) -> None:
        """Write every chain: one family's trouble does not keep the other waiting.

        `due`: families whose shared chains are needed, be there routes or not.
        """
        problems = []
        families = await self._families()
        for family, change in by_family(difference(Plan(), plan)).items():
            try:
                await families[family].load(change, due=family in due)
            except ModeError as error:
                problems.append(str(error))
            else:
                await cut_udp_flows(change, family)
        if problems:
            raise ModeError("; ".join(problems))

    async def apply(self, change: Change) -> None:
        """Apply one change."""
        for family, part in by_family(change).items():
            await self._made[family].apply(part)
            await cut_udp_flows(part, family)

    async def cleanup(self) -> None:
        """Delete what is ours, of every variant there is."""
        for family, tool in installed(self._variant):
            await FamilyRules(self._layout(family, self._config), tool).cleanup()
        self._made = {}

    async def retire(self) -> bool:
        """Nothing of it serves a connection that is there already."""
        await self.cleanup()
        return True

    async def differences(self, plan: Plan) -> list[str]:
        """Return which chains are not as they were written."""
        return [f"{what} of {family}" for family, rules in self._made.items() for what in await rules.differences()]

    @contextlib.asynccontextmanager
    async def at_work(self, suspect: Callable[[], None]) -> AsyncIterator[None]:
        """Hear of what others change, where iptables is of variant nft; the other tells nobody."""
        tables = {f"{family.nft} {table}" for family in Family for table in TABLES}
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(Watch(tables, self._is_ours, suspect).listening())
            except OSError as error:
                log.warning("no netlink: changes by others will not be noticed at once (%s)", error)
            yield

    def render(self, plan: Plan) -> str:
        """Return the scripts that fill an empty kernel."""
        parts = by_family(difference(Plan(), plan))
        return "".join(
            FamilyRules(self._layout(f, self._config), Iptables(f)).render(change) for f, change in parts.items()
        )

    async def _families(self) -> dict[Family, FamilyRules]:
        if not self._made:
            variant = await variant_here() if self._variant is None else self._variant
            self._tools = {family: Iptables(family, variant) for family in Family}
            self._made = {f: FamilyRules(self._layout(f, self._config), tool) for f, tool in self._tools.items()}
        return self._made

    def _is_ours(self, port: int) -> bool:
        return any(port in tool.pids for tool in self._tools.values())


def installed(variant: str | None) -> Iterator[tuple[Family, Iptables]]:
    """Yield the iptables there are, of one variant or of all."""
    for each in VARIANTS if variant is None else (variant,):
        yield from ((family, tool) for family in Family if (tool := Iptables(family, each)).is_installed)
