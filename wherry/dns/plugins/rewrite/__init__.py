"""rewrite [continue|stop] FIELD …: asks for something else than the client did, and changes what comes back.

settings.py  what the directive says
match.py     pure: how a rule finds its names
rules.py     pure: what a rule does to a query and its answer
"""

from __future__ import annotations

from wherry.dns import names
from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.plugins.rewrite.rules import AliasRule, Back, Rule, Unusable
from wherry.dns.plugins.rewrite.settings import rule
from wherry.dns.query import SERVFAIL, Answer, Handler, Query, Quiet
from wherry.dns.wire.record import CNAME

MANY = True
"""A server block may have several."""


class Rewrite(Quiet):
    """The plugin, for one rule. The first one of a block tries all of its rules, the others let everything pass."""

    def __init__(self, rules: list[Rule], environment: Environment):
        self._rules = rules
        self._environment = environment

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Apply the rules to the query in order, and to the answer in the order turned round."""
        changed, backs = query, list[Back]()
        try:
            for one in self._rules:
                done = None if isinstance(one, AliasRule) else one.apply(changed)
                if done is None:
                    continue
                changed = done[0]
                backs.insert(0, done[1])
                if not one.go_on:
                    break
            answer = await next(changed)
            for back in backs:
                answer = back(answer)
            return await self._aliases(query, answer, next)
        except Unusable as error:
            return Answer(SERVFAIL, why=f"rewrite makes no name: {error}")

    async def _aliases(self, query: Query, answer: Answer, next: Handler) -> Answer:
        for one in self._rules:
            target = one.target(answer) if isinstance(one, AliasRule) else None
            if target is None:
                continue
            at = first_alias(answer)
            asked = query.about(target)
            more = await next(asked) if query.type != CNAME else Answer()
            alias = answer.answer[at]._replace(data=target)
            records = (*answer.answer[:at], alias, *more.answer)
            keep = answer.keep.and_(more.keep) if answer.keep else None
            return more._replace(answer=records, keep=keep, why=f"rewritten alias to {names.text(target)}")
        return answer


def first_alias(answer: Answer) -> int:
    """Return where the first alias of an answer is."""
    return next(i for i, record in enumerate(answer.answer) if record.type == CNAME)


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Quiet:
    """Make the plugin; raises CorefileError."""
    own = rule(directive)
    all_of_block = [d for d in block.directives if d.name == directive.name]
    if all_of_block[0] is not directive:
        return Quiet()
    return Rewrite([own, *(rule(d) for d in all_of_block[1:])], environment)
