"""From changes of the plan to transactions: only what differs, in proportion to what differs (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import replace
from typing import TypeVar

from wherry.net.nft import Transaction
from wherry.proxy.modes.nftables import elements as compiled
from wherry.proxy.modes.nftables.elements import Element, Placed
from wherry.proxy.modes.nftables.layout import Layout
from wherry.proxy.modes.nftables.names import AFFINITY, Chain, affinity_parts
from wherry.proxy.modes.nftables.slots import place
from wherry.proxy.plan import Change, Frontend, Route

H = TypeVar("H", bound=Hashable)

_EMPTY = Placed()


class Ruleset:
    """What the table holds, as far as the next difference needs it: slots, and who else needs a shared element.

    `update` moves it on at once: when its transaction fails, throw the ruleset away and `load` a new one.
    """

    def __init__(self, layout: Layout):
        self._layout = layout
        self._placed: dict[Frontend, Placed] = {}
        self._elements: Counter[Element] = Counter()
        self._chains: Counter[Chain] = Counter()
        self._affinities: Counter[str] = Counter()

    def load(self, whole: Change, found: str | None) -> Transaction:
        """Return the transaction to a whole plan (the change from none to it) over the table `found`, printed or None.

        A table of the same layout is made and filled again but for what packets stored; any other is replaced.
        """
        filled = self.update(whole)
        table = self._layout.table
        if found is not None and self._layout.is_of(found):
            emptied = [f"flush {text.split()[0]} {table} {name}" for name, text in self._layout.sets.items()]
            strange = [f"delete {word} {table} {name}" for word, name in self._strange_sets(found)]
            return replace(
                filled,
                prepare=(f"flush table {table}", *strange, self._layout.text, *emptied, *filled.prepare),
                dropped_chains=tuple(c for c in _names(found, "chain") if c not in self.shape),
                dropped_maps=tuple(m for m in _affinity_maps(found) if m not in _parts(self._affinities)),
            )
        fresh = [f"add table {table}", f"delete table {table}"] if found is not None else []
        fresh += [self._layout.text, f"add chain {table} {self._layout.marker}"]
        return replace(filled, prepare=(*fresh, *filled.prepare))

    def update(self, change: Change) -> Transaction:
        """Return the transaction for one change of the plan."""
        deleted: dict[str, list[str]] = {}
        added: dict[str, dict[str, str | None]] = {}
        shared: Counter[Element] = Counter()
        chains: Counter[Chain] = Counter()
        affinities: Counter[str] = Counter()
        for frontend, (before, after) in change.routes.items():
            old = self._own(before)
            new = self._own(after, moved=True)
            if after is None:
                self._placed.pop(frontend, None)
            for element in [e for e in old if e not in new or old[e] != new[e]]:
                deleted.setdefault(element[0], []).append(element[1])
            for element in [e for e in new if e not in old or old[e] != new[e]]:
                added.setdefault(element[0], {})[element[1]] = new[element]
            for route, step in ((before, -1), (after, 1)):
                if route is not None:
                    _count(shared, compiled.shared_elements(route), step)
                    _count(chains, compiled.chains(route), step)
                    _count(affinities, compiled.affinity_maps(route), step)
        come, gone = _settle(self._elements, shared)
        for name, at in gone:
            deleted.setdefault(name, []).append(at)
        for name, at in come:
            added.setdefault(name, {})[at] = None
        new_chains, old_chains = _settle(self._chains, chains)
        new_maps, old_maps = _settle(self._affinities, affinities)
        return Transaction(
            self._layout.table,
            tuple(f"add {each}" for name in sorted(new_maps) for each in self._layout.own_affinity(name)),
            {c.name: self._layout.rules(c) for c in sorted(new_chains, key=_name)},
            deleted,
            added,
            tuple(sorted(c.name for c in old_chains)),
            tuple(_parts(sorted(old_maps))),
        )

    def _strange_sets(self, found: str) -> list[tuple[str, str]]:
        """Return (set or map, name) of what is no set of ours in a printed table."""
        ours = self._layout.sets
        return [
            (word, name)
            for word in ("set", "map")
            for name in _names(found, word)
            if not name.startswith(AFFINITY) and ours.get(name, "").split()[:1] != [word]
        ]

    def contents(self, routes: Iterable[Route]) -> dict[str, dict[str, str | None]]:
        """Return what the sets hold when these are all routes: key -> data, by set."""
        held: dict[str, dict[str, str | None]] = {name: {} for name in self._layout.sets}
        for route in routes:
            own = compiled.own_elements(route, self._placed.get(route.frontend, _EMPTY))
            for (name, at), data in own.items():
                held[name][at] = data
        for name, at in list(self._elements):
            held[name][at] = None
        return held

    @property
    def shape(self) -> dict[str, int]:
        """The table's chains, each with the number of its rules."""
        return {**self._layout.shape, **{c.name: len(self._layout.rules(c)) for c in self._chains}}

    def _own(self, route: Route | None, *, moved: bool = False) -> dict[Element, str | None]:
        """Return a route's own elements in the slots they have, or (`moved`) in those they get."""
        if route is None:
            return {}
        placed = self._placed.get(route.frontend, _EMPTY)
        if moved:
            outside = route.outside.endpoints if route.outside else ()
            placed = Placed(place(placed.inside, route.inside.endpoints), place(placed.outside, outside))
            self._placed[route.frontend] = placed
        return compiled.own_elements(route, placed)


def _count(counter: Counter[H], things: Iterable[H], step: int) -> None:
    for thing in things:
        counter[thing] += step


def _settle(users: Counter[H], moves: Counter[H]) -> tuple[list[H], list[H]]:
    """Add `moves` to `users`; return what got its first user, and what lost its last."""
    come, gone = [], []
    for thing, count in moves.items():
        was = users[thing]
        now = was + count
        if now:
            users[thing] = now
        else:
            del users[thing]
        if not was and now:
            come.append(thing)
        if was and not now:
            gone.append(thing)
    return come, gone


def _name(chain: Chain) -> str:
    return chain.name


def _parts(affinities: Iterable[str]) -> list[str]:
    return [part for name in affinities for part in affinity_parts(name)]


def _names(found: str, word: str) -> list[str]:
    """Return the chains, sets or maps of a printed table."""
    return [line.split()[1] for line in found.splitlines() if line.startswith(f"\t{word} ")]


def _affinity_maps(found: str) -> list[str]:
    """Return the maps of a printed table that are one frontend's affinities."""
    return [n for n in _names(found, "map") if n.startswith(f"{AFFINITY}-")]
