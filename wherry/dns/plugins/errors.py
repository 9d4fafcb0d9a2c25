"""errors: logs the queries that could not be answered (SERVFAIL): one line now and then, however many there are."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import dns.rcode
import dns.rdatatype

from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.query import Answer, Handler, Query, Quiet

log = logging.getLogger(__name__)

QUIET_SECONDS = 10.0


class Errors(Quiet):
    """The plugin. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._next = float("-inf")
        self._passed_over = 0

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Log a failure that comes back, or count it towards the next line."""
        answer = await next(query)
        if answer.message.rcode() == dns.rcode.SERVFAIL:
            self._tell(query)
        return answer

    def _tell(self, query: Query) -> None:
        if self._clock() < self._next:
            self._passed_over += 1
            return
        facts = {"dns_name": query.name, "type": dns.rdatatype.to_text(query.type), "others": self._passed_over}
        log.warning("no answer", extra=facts)
        self._next = self._clock() + QUIET_SECONDS
        self._passed_over = 0


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Errors:
    """Make the plugin."""
    if directive.options or directive.args:
        raise directive.error("takes no arguments here (stacktrace and consolidate are not supported yet)")
    return Errors()
