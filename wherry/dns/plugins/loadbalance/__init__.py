"""loadbalance [round_robin]: an answer begins with another record each time: who takes the first spreads."""

from __future__ import annotations

import random

from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.query import Answer, Handler, Query, Quiet
from wherry.dns.wire.record import AAAA, CNAME, MX, SRV, A, Record

TURNED = frozenset((A, AAAA, MX, SRV))


class LoadBalance(Quiet):
    """The plugin."""

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Turn what comes back; where it is kept, it turns on each time."""
        answer = await next(query)
        if len(answer.answer) < 2 or not any(r.type in TURNED for r in answer.answer):
            return answer
        turned = tuple(_turned(answer.answer))
        return answer._replace(answer=turned, rotate=all(r.type in TURNED for r in _after_aliases(turned)))


def _after_aliases(records: tuple[Record, ...]) -> list[Record]:
    return [r for r in records if r.type != CNAME]


def _turned(records: tuple[Record, ...]) -> list[Record]:
    """Return records in a random turn, others than addresses in their places."""
    turning = [r for r in records if r.type in TURNED]
    start = random.randrange(len(turning))
    turn = iter(turning[start:] + turning[:start])
    return [next(turn) if r.type in TURNED else r for r in records]


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> LoadBalance:
    """Make the plugin."""
    if directive.args not in ((), ("round_robin",)):
        raise directive.error(f"{' '.join(directive.args)} is not supported; only round_robin is")
    for option in directive.options:
        raise directive.unknown(option)
    return LoadBalance()
