"""loop: finds out at the start whether what we forward comes back to us, and ends the server if so.

It sends one query for a random HINFO name through the chain; seeing that name arrive again means a loop.
"""

from __future__ import annotations

import asyncio
import logging
import secrets

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from wherry.component.supervise import supervise
from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.query import Answer, Handler, Query, Quiet, respond

log = logging.getLogger(__name__)

SEEN_IS_LOOP = 2  # our own query passes here once on its way out


class Loop(Quiet):
    """The plugin."""

    def __init__(self, zone: str, environment: Environment):
        labels = f"{secrets.randbits(62)}.{secrets.randbits(62)}"
        self._probe = dns.name.from_text(labels if zone == "." else f"{labels}.{zone}")
        self._environment = environment
        self._seen = 0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Send the probe, beside the first queries."""
        sending = supervise("loop", self._send, self._environment.troubles, forever=False)
        self._task = asyncio.ensure_future(sending)

    async def stop(self) -> None:
        """Forget the probe."""
        if self._task:
            self._task.cancel()

    async def _send(self) -> None:
        message = dns.message.make_query(self._probe, dns.rdatatype.HINFO)
        await self._environment.resolve(Query(message, self._probe, dns.rdatatype.HINFO, "loop", "udp"))

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Count the probe, pass the rest on."""
        if query.type == dns.rdatatype.HINFO and query.name == self._probe:
            self._seen += 1
            if self._seen >= SEEN_IS_LOOP:
                self._environment.fail(
                    "forwarded queries come back to this server: point `forward` at another upstream than ourselves"
                )
                return Answer(respond(query, dns.rcode.SERVFAIL))
        return await next(query)


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Loop:
    """Make the plugin."""
    if directive.args or directive.options:
        raise directive.error("takes no arguments")
    return Loop(block.zones[0][0], environment)
