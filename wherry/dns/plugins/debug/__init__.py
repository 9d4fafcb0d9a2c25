"""debug: logs more, for everything the server does."""

from __future__ import annotations

import logging

from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.query import Quiet


class Debug(Quiet):
    """The plugin."""

    async def start(self) -> None:
        """Log more from here on."""
        logging.getLogger("wherry.dns").setLevel(logging.DEBUG)

    async def stop(self) -> None:
        """Log as before."""
        logging.getLogger("wherry.dns").setLevel(logging.NOTSET)


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Debug:
    """Make the plugin."""
    if directive.args or directive.options:
        raise directive.error("takes no arguments")
    return Debug()
