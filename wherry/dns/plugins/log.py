"""log: logs every query with its answer's code and the time it took."""

from __future__ import annotations

import logging
import time

import dns.rcode
import dns.rdatatype

from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.query import Answer, Handler, Query, Quiet

log = logging.getLogger(__name__)


class Log(Quiet):
    """The plugin."""

    sees_every_query = True

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Log once the answer is there."""
        start = time.perf_counter()
        answer = await next(query)
        facts = {
            "client": query.client,
            "type": dns.rdatatype.to_text(query.type),
            "name": query.name,
            "proto": query.transport,
            "rcode": dns.rcode.to_text(answer.message.rcode()),
            "seconds": time.perf_counter() - start,
        }
        log.info("query", extra={f"dns_{key}" if key == "name" else key: value for key, value in facts.items()})
        return answer


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Log:
    """Make the plugin."""
    if directive.args or directive.options:
        raise directive.error("names, formats and classes are not supported yet: give it bare")
    return Log()
