"""From changes of the plan to scripts of `ipset restore`: only what differs (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from wherry.objects.family import Family
from wherry.proxy.modes.ipvs.members import Member, members
from wherry.proxy.modes.ipvs.names import ADDRESSES, KINDS, set_name
from wherry.proxy.plan import Change

LARGEST = 1 << 20
"""Members a set can have."""


class Sets:
    """What one family's sets hold, and how many routes need each member.

    `update` and `address` move it on at once: when a script fails, throw it away and `load` a new one.
    """

    def __init__(self, family: Family):
        self._family = family
        self._held: Counter[Member] = Counter()

    def load(self, whole: Change, addresses: Iterable[str]) -> str:
        """Return the script to a whole plan over what is there: each set is filled aside, and swapped."""
        self.update(whole)
        self._held.update({(ADDRESSES, address): 1 for address in addresses})
        return "".join(self._filled(of) for of in KINDS)

    def update(self, change: Change) -> str:
        """Return the script for one change of the plan; empty when nothing changes."""
        moves: Counter[Member] = Counter()
        for before, after in change.routes.values():
            for route, step in ((before, -1), (after, 1)):
                for member in members(route) if route else ():
                    moves[member] += step
        return self._move(moves)

    def address(self, come: Iterable[str], gone: Iterable[str]) -> str:
        """Return the script for addresses that come and go."""
        return self._move(Counter({(ADDRESSES, a): 1 for a in come} | {(ADDRESSES, a): -1 for a in gone}))

    @property
    def members(self) -> dict[str, set[str]]:
        """What each set holds, by its name."""
        found: dict[str, set[str]] = {set_name(of, self._family): set() for of in KINDS}
        for of, member in self._held:
            found[set_name(of, self._family)].add(member)
        return found

    def _move(self, moves: Counter[Member]) -> str:
        lines = []
        for member, step in moves.items():
            was, now = self._held[member], self._held[member] + step
            self._held[member] = now
            if not now:
                del self._held[member]
            if bool(was) != bool(now):
                lines.append(f"{'add' if now else 'del'} {set_name(member[0], self._family)} {member[1]}\n")
        return "".join(lines)

    def _filled(self, of: str) -> str:
        name = set_name(of, self._family)
        aside = f"{name}-NEW"
        how = f"{KINDS[of]} family {'inet' if self._family is Family.V4 else 'inet6'} maxelem {LARGEST}"
        added = [f"add {aside} {member}" for held, member in self._held if held == of]
        lines = [f"create {name} {how}", f"create {aside} {how}", f"flush {aside}", *added]
        return "".join(f"{line}\n" for line in (*lines, f"swap {aside} {name}", f"destroy {aside}"))


def saved(text: str) -> dict[str, set[str]]:
    """Return what `ipset save` printed: members by the name of their set."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["create"]:
            found[words[1]] = set()
        elif words[:1] == ["add"]:
            found[words[1]].add(words[2])
    return found
