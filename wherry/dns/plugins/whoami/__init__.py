"""whoami: answers every query with the address, port and transport it came from."""

from __future__ import annotations

import struct

from wherry.dns import names
from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.query import NOERROR, Answer, Handler, Query, Quiet
from wherry.dns.wire.record import SRV, Record, address


class WhoAmI(Quiet):
    """The plugin."""

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Answer, in the additional section."""
        transport = "udp" if query.transport == "udp" else "tcp"
        port = Record(
            names.join((f"_{transport}",), query.name), SRV, 0, struct.pack("!HHH", 0, 0, query.port) + names.ROOT
        )
        extra = (address(query.name, 0, query.client), port)
        return Answer(NOERROR, additional=extra, authoritative=True, why="whoami answers everything")


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> WhoAmI:
    """Make the plugin."""
    if directive.args or directive.options:
        raise directive.error("takes no arguments")
    return WhoAmI()
