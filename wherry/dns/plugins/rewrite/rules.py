"""The rules, each a change of a query and what it does to the answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from wherry.dns import names
from wherry.dns.errors import CorefileError
from wherry.dns.plugins.rewrite.match import Match, ended, filled
from wherry.dns.query import Answer, Query
from wherry.dns.wire.record import CNAME, NAMES_IN, Record, with_names

Back = Callable[[Answer], Answer]
"""What becomes of the answer."""


class Unusable(Exception):
    """A rule makes something that is no name."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`go_on`: the next rules are tried, too."""

    go_on: bool

    def apply(self, query: Query) -> tuple[Query, Back] | None:
        """Return the changed query and what becomes of its answer; None where the rule is not about it."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Replacement:
    """`answer name|value FROM TO`: changes names in the answer."""

    values: bool
    old: re.Pattern[str]
    new: str

    def __call__(self, name: bytes) -> bytes:
        """Return a name, changed where it is like `old`."""
        found = self.old.search(names.text(name))
        return _name(ended(filled(self.new, found))) if found else name


@dataclass(frozen=True, slots=True)
class NameRule(Rule):
    """Asks for another name. `auto`: where that name comes back, it is the one that was asked for."""

    match: Match
    auto: bool
    replacements: tuple[Replacement, ...] = ()

    def apply(self, query: Query) -> tuple[Query, Back] | None:
        """See `Rule`; raises Unusable."""
        new = self.match(names.text(query.name))
        if new is None:
            return None
        name = _name(new)
        changed = query.about(name)
        original = query.name

        def restore(found: bytes) -> bytes:
            return original if found.lower() == name else found

        def back(answer: Answer) -> Answer:
            if self.auto:
                answer = _renamed(_renamed(answer, restore, values=False), restore, values=True)
            for replacement in self.replacements:
                answer = _renamed(answer, replacement, values=replacement.values)
            return answer

        return changed, back


@dataclass(frozen=True, slots=True)
class TypeRule(Rule):
    """Asks for another type."""

    old: int
    new: int

    def apply(self, query: Query) -> tuple[Query, Back] | None:
        """See `Rule`."""
        return (query.about(query.name, self.new), _same) if query.type == self.old else None


@dataclass(frozen=True, slots=True)
class ClassRule(Rule):
    """Asks in another class."""

    old: int
    new: int

    def apply(self, query: Query) -> tuple[Query, Back] | None:
        """See `Rule`."""
        if query.question.cls != self.old:
            return None
        return replace(query, question=query.question._replace(cls=self.new)), _same


@dataclass(frozen=True, slots=True)
class TtlRule(Rule):
    """Keeps the answer's TTLs (seconds) within bounds."""

    match: Match
    least: int
    most: int

    def apply(self, query: Query) -> tuple[Query, Back] | None:
        """See `Rule`."""
        if self.match(names.text(query.name)) is None:
            return None
        return query, lambda answer: _each(answer, lambda r: r._replace(ttl=min(self.most, max(self.least, r.ttl))))


@dataclass(frozen=True, slots=True)
class RcodeRule(Rule):
    """Gives another code."""

    match: Match
    old: int
    new: int

    def apply(self, query: Query) -> tuple[Query, Back] | None:
        """See `Rule`."""
        if self.match(names.text(query.name)) is None:
            return None
        return query, lambda answer: answer._replace(rcode=self.new) if answer.rcode == self.old else answer


@dataclass(frozen=True, slots=True)
class AliasRule(Rule):
    """Points aliases that lead to one name to another, whose records are asked for."""

    match: Match

    def target(self, answer: Answer) -> bytes | None:
        """Return where an answer's alias is to lead instead; raises Unusable."""
        for record in answer.answer:
            if record.type == CNAME and (new := self.match(names.text(record.data.lower()))) is not None:
                return _name(new)
        return None


def _same(answer: Answer) -> Answer:
    return answer


def _name(text: str) -> bytes:
    try:
        return names.of_text(text)
    except CorefileError as error:
        raise Unusable(str(error)) from error


def _renamed(answer: Answer, change: Callable[[bytes], bytes], *, values: bool) -> Answer:
    if not values:
        return _each(answer, lambda r: r._replace(name=change(r.name)))
    return _each(answer, lambda r: _with_names(r, change))


def _with_names(record: Record, change: Callable[[bytes], bytes]) -> Record:
    return record._replace(data=with_names(record, change)) if record.type in NAMES_IN else record


def _each(answer: Answer, change: Callable[[Record], Record]) -> Answer:
    return answer._replace(
        answer=tuple(map(change, answer.answer)),
        authority=tuple(map(change, answer.authority)),
        additional=tuple(map(change, answer.additional)),
    )
