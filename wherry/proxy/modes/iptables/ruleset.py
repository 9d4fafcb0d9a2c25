"""From changes of the plan to scripts of `iptables-restore`: only what differs (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from wherry.proxy.modes.iptables.layout import Layout
from wherry.proxy.modes.iptables.names import FILTER, NAT
from wherry.proxy.modes.iptables.rules import Chain, Group, Rules, groups
from wherry.proxy.modes.iptables.saved import Saved
from wherry.proxy.plan import Change, Route

TABLES = (NAT, FILTER)


@dataclass(slots=True)
class Script:
    """What changes in one table. `written` chains are made or emptied, and filled; `commands` come then."""

    written: dict[str, list[str]] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)

    def text(self, table: str) -> str:
        """Return it as `iptables-restore` takes it; empty when nothing changes."""
        if not (self.written or self.commands or self.dropped):
            return ""
        lines = [f":{name} - [0:0]" for name in (*self.written, *self.dropped)]
        lines += [f"-A {name} {rule}" for name, rules in self.written.items() for rule in rules]
        lines += self.commands
        lines += [f"-X {name}" for name in self.dropped]
        return "".join(f"{line}\n" for line in (f"*{table}", *lines, "COMMIT"))


class Ruleset:
    """What the chains hold: groups of rules, and how many routes need each.

    `update` moves it on at once: when its script fails, throw the ruleset away and `load` a new one.
    """

    def __init__(self, layout: Layout):
        self._layout = layout
        self._tails = layout.tails
        self._held: dict[Chain, Counter[Rules]] = {chain: Counter() for chain in self._tails}

    def load(self, whole: Change, saved: Saved) -> str:
        """Return the script to a whole plan (the change from none to it) over what is there."""
        self._take(whole)
        scripts = {table: Script() for table in TABLES}
        for table, name in self._held:
            scripts[table].written[name] = self.rules((table, name))
        for table, name in saved.of_services() - self._held.keys():
            scripts[table].dropped.append(name)
        for table, chain, rule in reversed(self._layout.jumps):
            if rule not in saved.chains.get((table, chain), ()):
                scripts[table].commands.append(f"-I {chain} {rule}")
        return _text(scripts)

    def update(self, change: Change) -> str:
        """Return the script for one change of the plan; empty when nothing changes.

        Of a chain that all share just what differs is taken out and put in front; any other is written anew.
        """
        scripts = {table: Script() for table in TABLES}
        for (table, name), moves in self._take(change).items():
            script, chain = scripts[table], (table, name)
            if chain in self._tails:
                gone = [r for rules, come in moves.items() if not come for r in rules]
                come = [r for rules, come in moves.items() if come for r in reversed(rules)]
                script.commands += [f"-D {name} {r}" for r in gone] + [f"-I {name} {r}" for r in come]
            elif chain in self._held:
                script.written[name] = self.rules(chain)
            else:
                script.dropped.append(name)
        return _text(scripts)

    def rules(self, chain: Chain) -> list[str]:
        """Return what a chain holds; of one that all share the order of the groups may be another by now."""
        return [*(rule for rules in self._held[chain] for rule in rules), *self._tails.get(chain, ())]

    @property
    def chains(self) -> Iterable[Chain]:
        """All chains there are to be."""
        return self._held.keys()

    def _take(self, change: Change) -> dict[Chain, dict[Rules, bool]]:
        """Move on; return by chain the groups that came (True) and went."""
        moves: Counter[Group] = Counter()
        for before, after in change.routes.values():
            _count(moves, self._groups(before), -1)
            _count(moves, self._groups(after), 1)
        settled: dict[Chain, dict[Rules, bool]] = {}
        for (table, name, rules), step in moves.items():
            held = self._held.setdefault((table, name), Counter())
            was = held[rules]
            held[rules] += step
            if not held[rules]:
                del held[rules]
            if bool(was) != bool(was + step):
                settled.setdefault((table, name), {})[rules] = not was
            if not held and (table, name) not in self._tails:
                del self._held[table, name]
        return settled

    def _groups(self, route: Route | None) -> Iterator[Group]:
        return groups(route, self._layout) if route is not None else iter(())


def _count(counter: Counter[Group], found: Iterable[Group], step: int) -> None:
    for group in found:
        counter[group] += step


def _text(scripts: Mapping[str, Script]) -> str:
    return "".join(script.text(table) for table, script in scripts.items())
