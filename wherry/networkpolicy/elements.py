"""What sets hold, and who put it there: an element stays as long as one pod needs it (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from wherry.objects.family import Family
from wherry.objects.metadata import Key


class Element(NamedTuple):
    """An element of a set, or of a map, of one family."""

    family: Family
    set: str
    key: str
    data: str | None = None


@dataclass(slots=True)
class Difference:
    """Elements that go and that come; one that changes its data is in both."""

    deleted: dict[str, list[str]] = field(default_factory=dict)
    added: dict[str, dict[str, str | None]] = field(default_factory=dict)


class Elements:
    """All elements, by owner. Two pods may claim an address for a moment: then the last one counts."""

    def __init__(self) -> None:
        self._of_owner: dict[Key, frozenset[Element]] = {}
        self._held: dict[tuple[Family, str], dict[str, dict[Key, str | None]]] = {}
        self._before: dict[tuple[Family, str, str], tuple[str | None] | None] = {}

    def put(self, owner: Key, elements: frozenset[Element]) -> None:
        """Have just these of an owner from now on."""
        had = self._of_owner.get(owner, frozenset())
        if had == elements:
            return
        for family, name, key, _ in had - elements:
            held = self._touch(family, name, key)
            del held[owner]
            if not held:
                del self._held[family, name][key]
        for family, name, key, data in elements - had:
            held = self._touch(family, name, key)
            self._held.setdefault((family, name), {})[key] = held
            held[owner] = data
        if elements:
            self._of_owner[owner] = elements
        else:
            del self._of_owner[owner]

    def owners(self, name: str) -> set[Key]:
        """Return who has elements in a set."""
        return {o for family in Family for held in self._held.get((family, name), {}).values() for o in held}

    def of(self, family: Family) -> Mapping[str, Mapping[str, str | None]]:
        """Return all elements of a family: set -> key -> data."""
        return {
            name: {key: _last(held) for key, held in keys.items()}
            for (one, name), keys in self._held.items()
            if one is family and keys
        }

    def has(self, family: Family, names: Iterable[str]) -> bool:
        """Return whether one of the sets holds anything."""
        return any(self._held.get((family, name)) for name in names)

    def take(self) -> dict[Family, Difference]:
        """Return what has changed since the last time, by family."""
        found = {family: Difference() for family in Family}
        for (family, name, key), before in self._before.items():
            held = self._held.get((family, name), {}).get(key)
            after = (_last(held),) if held else None
            if before == after:
                continue
            if before is not None:
                found[family].deleted.setdefault(name, []).append(key)
            if after is not None:
                found[family].added.setdefault(name, {})[key] = after[0]
        self._before.clear()
        return found

    def _touch(self, family: Family, name: str, key: str) -> dict[Key, str | None]:
        held = self._held.get((family, name), {}).get(key, {})
        self._before.setdefault((family, name, key), (_last(held),) if held else None)
        return held


def _last(held: Mapping[Key, str | None]) -> str | None:
    return next(reversed(held.values()))  # type: ignore[call-overload, no-any-return]
