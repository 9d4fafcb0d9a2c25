"""Which keys are for which resources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wherry.apiserver.storage.encryption.providers import Provider


class Rule(NamedTuple):
    """How objects of `resources` are kept: (group, plural) with "*" for any; the first provider writes, each reads."""

    resources: Sequence[tuple[str, str]]
    providers: Sequence[Provider]

    def covers(self, group: str, plural: str) -> bool:
        """Return whether it is about a resource."""
        return any(g in ("*", group) and p in ("*", plural) for g, p in self.resources)


class Rules:
    """The rules of a configuration. The first that covers a resource counts; what none covers is kept as it is."""

    def __init__(self, rules: Sequence[Rule] = ()):
        self._rules = rules
        self._providers: dict[str, Sequence[Provider]] = {}

    def __bool__(self) -> bool:
        return bool(self._rules)

    def of(self, room: str) -> Sequence[Provider]:
        """Return the providers for a room, `GROUP/PLURAL`; none where nothing says how."""
        found = self._providers.get(room)
        if found is None:
            group, _, plural = room.partition("/")
            found = next((rule.providers for rule in self._rules if rule.covers(group, plural)), ())
            self._providers[room] = found
        return found
