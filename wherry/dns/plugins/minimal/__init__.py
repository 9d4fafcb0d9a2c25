"""minimal: leaves out what was not asked for: authorities and additional records of an answer that has records."""

from __future__ import annotations

from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.query import NOERROR, Answer, Handler, Query, Quiet


class Minimal(Quiet):
    """The plugin."""

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Leave it out. A denial keeps its SOA: that says how long it is good."""
        answer = await next(query)
        if answer.rcode == NOERROR and answer.answer:
            return answer._replace(authority=(), additional=())
        return answer


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Minimal:
    """Make the plugin."""
    if directive.args or directive.options:
        raise directive.error("takes no arguments")
    return Minimal()
