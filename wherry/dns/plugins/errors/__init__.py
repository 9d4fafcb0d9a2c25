"""errors: logs the queries that could not be answered (SERVFAIL)."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, Option, ServerBlock
from wherry.dns.durations import seconds
from wherry.dns.query import SERVFAIL, Answer, Handler, Query, Quiet

log = logging.getLogger(__name__)

QUIET_SECONDS = 10.0
LEVELS = {"warning": logging.WARNING, "error": logging.ERROR, "info": logging.INFO, "debug": logging.DEBUG}


@dataclass
class Rule:
    """One line for all failures like `pattern` in `seconds`."""

    seconds: float
    pattern: re.Pattern[str] | None
    level: int = logging.WARNING
    next: float = float("-inf")
    others: int = 0


class Errors(Quiet):
    """The plugin. `clock` gives seconds."""

    def __init__(self, rules: tuple[Rule, ...] = (), clock: Callable[[], float] = time.monotonic):
        self._rules = (*rules, Rule(QUIET_SECONDS, None))
        self._clock = clock

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Log a failure that comes back, or count it towards the next line."""
        answer = await next(query)
        if answer.rcode == SERVFAIL:
            self._tell(query, answer.why)
        return answer

    def _tell(self, query: Query, why: str) -> None:
        text = f"{SERVFAIL} {query}: {why}"
        rule = next(r for r in self._rules if r.pattern is None or r.pattern.search(text) or r.pattern.search(why))
        if self._clock() < rule.next:
            rule.others += 1
            return
        log.log(rule.level, "no answer", extra={"dns_query": str(query), "error": why, "others": rule.others})
        rule.next = self._clock() + rule.seconds
        rule.others = 0


def _rule(option: Option, directive: Directive) -> Rule:
    """Read `consolidate DURATION REGEXP [LEVEL] [show_first]`: the first is always shown here."""
    duration, pattern, *more = option.args if len(option.args) > 1 else ("", "", "?")
    if more[-1:] == ["show_first"]:
        more.pop()
    if len(more) > 1 or not set(more) <= LEVELS.keys():
        raise directive.unknown(option)
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise directive.error(f"{option.at}: {pattern} is no regular expression: {error}") from error
    return Rule(seconds(duration, directive), compiled, LEVELS[more[0]] if more else logging.ERROR)


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Errors:
    """Make the plugin."""
    if directive.args:
        raise directive.error("takes no arguments")
    rules = []
    for option in directive.options:
        match option.name:
            case "consolidate":
                rules.append(_rule(option, directive))
            case "stacktrace":
                pass  # what fails unexpectedly is always logged with its traceback
            case _:
                raise directive.unknown(option)
    return Errors(tuple(rules))
