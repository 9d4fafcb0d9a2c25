"""errors: logs the queries that could not be answered (SERVFAIL)."""

from __future__ import annotations

import logging

import dns.rcode
import dns.rdatatype

from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.query import Answer, Handler, Query, Quiet

log = logging.getLogger(__name__)


class Errors(Quiet):
    """The plugin."""

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Log a failure that comes back."""
        answer = await next(query)
        if answer.message.rcode() == dns.rcode.SERVFAIL:
            log.warning("no answer", extra={"dns_name": query.name, "type": dns.rdatatype.to_text(query.type)})
        return answer


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Errors:
    """Make the plugin."""
    if directive.options or directive.args:
        raise directive.error("takes no arguments here (stacktrace and consolidate are not supported yet)")
    return Errors()
