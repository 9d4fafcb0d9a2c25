"""reload [INTERVAL] [JITTER]: takes a changed Corefile into use without losing a query; logs a broken one.

The file is looked at every INTERVAL (default 30 s, at least 2 s), as CoreDNS does: a mounted ConfigMap is replaced
behind a symbolic link, which file notifications do not follow. Files it imports are looked at, too.
"""

from __future__ import annotations

import asyncio
import os
import random
from itertools import zip_longest
from pathlib import Path

from wherry.dns.beside import Beside
from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock, fingerprint
from wherry.dns.durations import seconds
from wherry.dns.query import Quiet

DEFAULT_SECONDS = 30.0
SHORTEST_SECONDS = 2.0
DEFAULT_JITTER_SECONDS = 15.0


class Reload(Quiet):
    """The plugin."""

    def __init__(self, interval: float, jitter: float, environment: Environment):
        self._interval = interval
        self._jitter = min(jitter, interval / 2)
        self._known = fingerprint(Path(environment.corefile), os.environ)
        self._environment = environment
        self._beside = Beside("reload", self._watch, environment.troubles)

    async def start(self) -> None:
        """Begin to look."""
        self._beside.start()

    async def stop(self) -> None:
        """Look no more."""
        self._beside.stop()

    async def _watch(self) -> None:
        path = Path(self._environment.corefile)
        while True:
            await asyncio.sleep(self._interval + random.random() * self._jitter)
            current = fingerprint(path, os.environ)
            if current and current != self._known:
                self._known = current
                self._environment.reload()


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Reload:
    """Make the plugin."""
    if len(directive.args) > 2 or directive.options:
        raise directive.error("takes an interval and a jitter")
    interval, jitter = (
        seconds(text, directive) if text else default
        for text, default in zip_longest(directive.args, (DEFAULT_SECONDS, DEFAULT_JITTER_SECONDS))
    )
    if interval < SHORTEST_SECONDS:
        raise directive.error(f"an interval of at least {SHORTEST_SECONDS:.0f}s")
    return Reload(interval, jitter, environment)
