"""loop: finds out at the start whether what we forward comes back to us, and ends the server if so.

It sends one query for a random HINFO name through the chain; seeing that name arrive again means a loop.
"""

from __future__ import annotations

import secrets

from wherry.dns import names
from wherry.dns.beside import Beside
from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.query import SERVFAIL, Answer, Handler, Query, Quiet

SEEN_IS_LOOP = 2  # our own query passes here once on its way out
HINFO = 13


class Loop(Quiet):
    """The plugin."""

    def __init__(self, zone: bytes, environment: Environment):
        self._probe = names.join((str(secrets.randbits(62)), str(secrets.randbits(62))), zone)
        self._environment = environment
        self._seen = 0
        self._beside = Beside("loop", self._send, environment.troubles, forever=False)

    async def start(self) -> None:
        """Send the probe, beside the first queries."""
        self._beside.start()

    async def stop(self) -> None:
        """Forget the probe."""
        self._beside.stop()

    async def _send(self) -> None:
        await self._environment.resolve(Query.ask(names.text(self._probe), HINFO))

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Count the probe, pass the rest on."""
        if query.type == HINFO and query.name == self._probe:
            self._seen += 1
            if self._seen >= SEEN_IS_LOOP:
                self._environment.fail(
                    "forwarded queries come back to this server: point `forward` at another upstream than ourselves"
                )
                return Answer(SERVFAIL, why="forwarded queries come back to this server")
        return await next(query)


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Loop:
    """Make the plugin."""
    if directive.args or directive.options:
        raise directive.error("takes no arguments")
    return Loop(block.zones()[0], environment)
