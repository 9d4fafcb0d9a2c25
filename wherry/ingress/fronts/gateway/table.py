"""The table of a host: rules in the order of precedence, as `lua/gateway.lua` looks them up.

    {http: [LEVEL, …], https: [LEVEL, …], rules: [ACTIONS, …]}      by the listener's protocol
    LEVEL: {exact: {PATH: [CANDIDATE, …]}, regex: [[PATTERN, [CANDIDATE, …]], …], prefix: {PATH: [CANDIDATE, …]}}
    CANDIDATE: {rule: NUMBER FROM 1, method, headers: [[NAME, VALUE, IS PATTERN]], query: [likewise]}

A level is what one hostname's rules say; the most specific hostname goes first. Within a path, the order is that of
`HTTPRouteRule.matches`: with a method, more headers, more query parameters, the older route, its name, its order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wherry.ingress.fronts.gateway.hostname import precedence
from wherry.ingress.fronts.gateway.rule import EXACT, REGEX, Match, Rule

Table = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """Rules that are in force for a hostname of a listener; `age` sorts their route among others, the oldest first."""

    scheme: str
    hostname: str
    age: tuple[str, str, str]
    rules: Sequence[Rule]


def table(entries: Iterable[Entry]) -> Table:
    """Return the table of all that a host's requests may match."""
    numbers: dict[int, int] = {}
    actions: list[Mapping[str, Any]] = []
    found: Table = {}
    in_order = sorted(entries, key=lambda entry: (precedence(entry.hostname), entry.hostname, entry.age))
    for scheme in ("http", "https"):
        by_name: dict[str, list[Rule]] = {}
        for entry in in_order:
            if entry.scheme == scheme:
                by_name.setdefault(entry.hostname, []).extend(entry.rules)
        levels = []
        for rules in by_name.values():
            for rule in rules:
                if numbers.setdefault(id(rule), len(actions) + 1) > len(actions):
                    actions.append({"name": f"{rule.route[0]} {rule.route[1]}", **rule.actions})
            levels.append(_level([(match, numbers[id(rule)]) for rule in rules for match in rule.matches]))
        if levels:
            found[scheme] = levels
    return {**found, "rules": actions}


def _level(matches: Iterable[tuple[Match, int]]) -> Table:
    exact: dict[str, list[Any]] = {}
    prefix: dict[str, list[Any]] = {}
    patterns: dict[str, list[Any]] = {}
    for match, number in sorted(matches, key=lambda one: one[0].precedence):  # stable: the rest is in order
        if match.path_type == EXACT:
            exact.setdefault(match.path, []).append(_candidate(match, number))
        elif match.path_type == REGEX:
            patterns.setdefault(match.path, []).append(_candidate(match, number))
        else:
            prefix.setdefault(match.path.rstrip("/"), []).append(_candidate(match, number))
    longest = sorted(patterns.items(), key=lambda one: (-len(one[0]), one[0]))
    return {"exact": exact, "regex": [[pattern, found] for pattern, found in longest], "prefix": prefix}


def _candidate(match: Match, number: int) -> Table:
    found: Table = {"rule": number}
    if match.method:
        found["method"] = match.method
    if match.headers:
        found["headers"] = [list(one) for one in match.headers]
    if match.query:
        found["query"] = [list(one) for one in match.query]
    return found
