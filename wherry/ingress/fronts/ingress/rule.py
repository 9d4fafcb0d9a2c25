"""Rules: a path as an Ingress states it, and the locations it becomes."""

from __future__ import annotations

from dataclasses import dataclass

from wherry.ingress.features import catalog
from wherry.ingress.features.part import Part, Sources
from wherry.ingress.features.policy import Policy
from wherry.ingress.route.backend import BackendRef
from wherry.ingress.route.location import Location, Match
from wherry.ingress.route.problem import Key
from wherry.ingress.settings import Settings


@dataclass(frozen=True, slots=True)
class Rule:
    """One path as an Ingress states it, after checks; the oldest Ingress' rule goes first."""

    path: str
    path_type: str
    backend: BackendRef
    ingress: Key
    parts: tuple[Part, ...] = ()
    denied: str = ""


def places(rule: Rule, regex: bool) -> list[tuple[Match, str]]:
    """Return where in nginx the rule applies: its (match, path) pairs, the surest first.

    Prefix is by segments: `/foo` is `/foo` itself and all below `/foo/`. ImplementationSpecific is a plain string
    prefix, as in ingress-nginx. On a host with regular expressions (`regex`) every path is one, whatever its type:
    upstream's rule.
    """
    if regex:
        return [(Match.REGEX, rule.path)]
    if rule.path_type == "Exact":
        return [(Match.EXACT, rule.path)]
    if rule.path_type == "Prefix" and rule.path != "/":
        bare = rule.path.rstrip("/") or "/"
        return [(Match.EXACT, bare), (Match.PREFIX, bare.rstrip("/") + "/")]
    return [(Match.PREFIX, rule.path)]


def location(rule: Rule, match: Match, path: str, split: Part | None = None) -> Location:
    """Return the location for one place of a rule; `split`: the part of its requests that go elsewhere."""
    parts = (*rule.parts, split) if split else rule.parts
    return Location(path, match, rule.backend, rule.ingress, parts, rule.denied)


def default_location(backend: BackendRef | None, settings: Settings) -> Location:
    """Return the location for what no rule takes."""
    logged = settings.common["enable-access-log-for-default-backend"]
    common = {**settings.common, "ssl-redirect": False, "enable-access-log": logged}
    parts, _ = catalog.parts(Policy(common=common), Sources())
    return Location("/", Match.PREFIX, backend, parts=parts)
