"""bufsize [SIZE]: no datagram is larger than SIZE bytes, whatever the client takes: fragments get lost."""

from __future__ import annotations

from dataclasses import dataclass, replace

from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.query import Answer, Handler, Query, Quiet

DEFAULT = 1232  # DNS flag day 2020
SMALLEST, LARGEST = 512, 4096


@dataclass
class BufSize(Quiet):
    """The plugin."""

    size: int

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Ask upstream for no more, and answer with no more."""
        edns = query.question.edns
        if edns and edns.payload > self.size:
            smaller = query.question._replace(edns=edns._replace(payload=self.size))
            query = replace(query, question=smaller)
        answer = await next(query)
        return answer._replace(largest=min(answer.largest, self.size))


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> BufSize:
    """Make the plugin."""
    match directive.args:
        case () if not directive.options:
            return BufSize(DEFAULT)
        case (size,) if size.isdigit() and SMALLEST <= int(size) <= LARGEST and not directive.options:
            return BufSize(int(size))
    raise directive.error(f"takes one size, from {SMALLEST} to {LARGEST} bytes")
