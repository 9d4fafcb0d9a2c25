"""The edge of one family: scripts go to the kernel, and what is there is compared with what should be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from wherry.net.iptables import Iptables, IptablesError
from wherry.proxy.modes import ModeError
from wherry.proxy.modes.iptables.layout import Layout
from wherry.proxy.modes.iptables.ruleset import TABLES, Ruleset, Script
from wherry.proxy.modes.iptables.saved import Saved
from wherry.proxy.plan import Change


class FamilyRules:
    """One family's rules. They are made when it has Services, or a CIDR in the configuration."""

    def __init__(self, layout: Layout, iptables: Iptables):
        self._layout = layout
        self._iptables = iptables
        self._ruleset: Ruleset | None = None
        self._writes = 0  # begun and ended: odd while one is under way

    async def load(self, whole: Change, *, due: bool = False) -> None:
        """Bring the kernel to a whole plan (the change from none to it), whatever is there.

        `due`: also when there is nothing in it.
        """
        if not (due or self._is_due(whole)):
            if self._ruleset is not None:
                await self.cleanup()
            return
        self._ruleset = Ruleset(self._layout)
        try:
            await self._write(self._ruleset.load(whole, Saved.read(await self._iptables.save())))
        except IptablesError as error:
            self._ruleset = None
            raise ModeError(f"cannot load {self._layout.family} rules: {error}") from error

    async def apply(self, change: Change) -> None:
        """Apply one change."""
        if not change.routes:
            return
        if self._ruleset is None:  # the family's first Service
            await self.load(change)
            return
        try:
            await self._write(self._ruleset.update(change))
        except IptablesError as error:
            raise ModeError(f"cannot change {self._layout.family} rules: {error}") from error

    async def cleanup(self) -> None:
        """Delete our chains and what leads to them."""
        self._ruleset = None
        try:
            if script := removal(self._layout, Saved.read(await self._iptables.save())):
                await self._iptables.restore(script)
        except IptablesError as error:
            raise ModeError(f"cannot delete {self._layout.family} rules: {error}") from error

    async def differences(self) -> list[str]:
        """Return which chains are not as they were written, for people; nothing when they are written meanwhile."""
        ruleset, writes = self._ruleset, self._writes
        if ruleset is None or writes % 2:
            return []
        try:
            saved = Saved.read(await self._iptables.save())
        except IptablesError as error:
            raise ModeError(f"cannot read {self._layout.family} rules: {error}") from error
        return list(differences(ruleset, self._layout, saved)) if writes == self._writes else []

    async def _write(self, script: str) -> None:
        self._writes += 1
        try:
            if script:
                await self._iptables.restore(script)
        finally:
            self._writes += 1

    def render(self, whole: Change) -> str:
        """Return the script that fills an empty kernel, or "" where there is nothing to do."""
        return Ruleset(self._layout).load(whole, Saved()) if self._is_due(whole) else ""

    def _is_due(self, whole: Change) -> bool:
        return bool(whole.routes or self._layout.cluster_cidrs or self._layout.service_cidrs)


def differences(ruleset: Ruleset, layout: Layout, saved: Saved) -> Iterator[str]:
    """Yield the chains that differ from a ruleset, for people (pure)."""
    for table, name in ruleset.chains:
        there, wanted = saved.chains.get((table, name)), ruleset.rules((table, name))
        if there is None or not _alike(there, wanted, layout.tails.get((table, name))):
            yield f"chain {name} of table {table}"
    for table, name in saved.of_services() - set(ruleset.chains):
        yield f"chain {name} of table {table}"
    for table, chain, rule in layout.jumps:
        if rule not in saved.chains.get((table, chain), ()):
            yield f"chain {chain} of table {table}"


def _alike(there: list[str], wanted: list[str], tail: tuple[str, ...] | None) -> bool:
    """Return whether a chain holds what it should; one that all share (it has a `tail`) in any order before that."""
    if tail is None:
        return there == wanted
    return Counter(there) == Counter(wanted) and tuple(there[len(there) - len(tail) :]) == tail


def removal(layout: Layout, saved: Saved) -> str:
    """Return the script that deletes our chains and what leads to them (pure)."""
    scripts = {table: Script() for table in TABLES}
    for table, name in [*layout.tails, *saved.of_services()]:
        if (table, name) in saved.chains:
            scripts[table].dropped.append(name)
    for (table, chain), rules in saved.chains.items():
        dropped = scripts[table].dropped if table in scripts else ()
        if chain not in dropped:
            commands = [f"-D {chain} {rule}" for rule in rules if rule.rpartition("-j ")[2] in dropped]
            scripts[table].commands += commands
    return "".join(script.text(table) for table, script in scripts.items())
