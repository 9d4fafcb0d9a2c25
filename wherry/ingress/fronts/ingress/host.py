"""Hosts: the rules Ingresses state for one. The oldest Ingress that claims a path of a host keeps it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from wherry.ingress.features.part import Part
from wherry.ingress.fronts.ingress.rule import Rule, location, places
from wherry.ingress.route.location import Location, Match, in_order
from wherry.ingress.route.problem import Key
from wherry.ingress.route.server import Server

Taken = Callable[[Rule, Key], None]
"""Called with a rule that came too late, and the Ingress that has its path."""


@dataclass(slots=True)
class HostRules:
    """What Ingresses say about one host, collected oldest first."""

    host: str
    tls: bool = False
    regex: bool = False
    denied: str = ""
    """Why no path of the host may be served: a restriction on all of it cannot be honoured."""
    parts: list[Part] = field(default_factory=list)
    """What the oldest Ingress that speaks of it decides for the host."""
    rules: list[Rule] = field(default_factory=list)
    canaries: list[tuple[Rule, Part]] = field(default_factory=list)
    """Rules that own no path, with the part of another's requests they ask for."""
    fallback: Rule | None = None
    """A `defaultBackend` of an Ingress that has rules for this host."""

    def server(self, default: Location, taken: Taken, alone: Callable[[Rule], None]) -> Server:
        """Return the server; `default` answers where no rule and no fallback does. `alone` is called with
        a canary beside which nobody serves the path.
        """
        owners: dict[tuple[Match, str], Rule] = {}
        for rule in self.rules:
            owner = owners.setdefault(places(rule, self.regex)[-1], rule)
            if owner is not rule:
                taken(rule, owner.ingress)
        for *beside, main in [places(owner, self.regex) for owner in owners.values()]:
            for place in beside:  # `/foo` of the Prefix /foo yields to a rule that names it
                owners.setdefault(place, owners[main])
        splits = self._splits(owners, alone)
        found = [
            location(rule, match, path, splits.get((rule.ingress, rule.path, rule.path_type)))
            for (match, path), rule in owners.items()
        ]
        if (Match.PREFIX, "/") not in owners:
            found.append(location(self.fallback, Match.PREFIX, "/") if self.fallback else default)
        found = [replace(at, denied=at.denied or self.denied) for at in (*found, *without_slash(found))]
        return Server(self.host, self.tls, in_order(found), tuple(self.parts))

    def _splits(
        self, owners: Mapping[tuple[Match, str], Rule], alone: Callable[[Rule], None]
    ) -> dict[tuple[Key, str, str], Part]:
        """Return the part of the oldest canary for each rule that has one."""
        found: dict[tuple[Key, str, str], Part] = {}
        for canary, part in self.canaries:
            owner = owners.get(places(canary, self.regex)[-1])
            if owner is None:
                alone(canary)
            else:
                found.setdefault((owner.ingress, owner.path, owner.path_type), part)
        return found


def without_slash(locations: Sequence[Location]) -> Iterator[Location]:
    """Yield, for the Exact `/foo/`, a location for `/foo` that leads where it would without that Exact.

    nginx by itself redirects `/foo` to a location `/foo/` with `proxy_pass`, however that one matches. ingress-nginx'
    users count on it for ImplementationSpecific paths; Exact means no other path (networking/v1 types.go, PathType).
    """
    there = {at.path for at in locations}
    prefixes = {at.path: at for at in locations if at.match is Match.PREFIX}
    for exact in [at for at in locations if at.match is Match.EXACT and at.path.endswith("/")]:
        bare = exact.path.removesuffix("/")
        if bare and bare not in there and exact.path not in prefixes:
            longest = max((p for p in prefixes if bare.startswith(p)), key=len)
            yield replace(prefixes[longest], match=Match.EXACT, path=bare)
