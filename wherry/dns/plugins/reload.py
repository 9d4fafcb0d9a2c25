"""reload [INTERVAL]: takes a changed Corefile into use, without losing a query; a broken one is logged and left.

The file is looked at every INTERVAL (default 30 s, at least 2 s), as CoreDNS does: a mounted ConfigMap is replaced
behind a symbolic link, which file notifications do not follow.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from pathlib import Path

from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.durations import seconds
from wherry.dns.query import Quiet

DEFAULT_SECONDS = 30.0
SHORTEST_SECONDS = 2.0
JITTER = 0.5


class Reload(Quiet):
    """The plugin."""

    def __init__(self, interval: float, environment: Environment):
        self._interval = interval
        self._environment = environment
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.ensure_future(self._watch())

    async def stop(self) -> None:
        """Look no more."""
        if self._task:
            self._task.cancel()

    async def _watch(self) -> None:
        path = Path(self._environment.corefile)
        known = _digest(path)
        while True:
            await asyncio.sleep(self._interval * (1 + random.random() * JITTER))
            current = _digest(path)
            if current and current != known:
                known = current
                self._environment.reload()


def _digest(path: Path) -> bytes:
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return b""  # a moment without the file is not a change


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Reload:
    """Make the plugin."""
    interval = seconds(directive.args[0], directive) if directive.args else DEFAULT_SECONDS
    if interval < SHORTEST_SECONDS:
        raise directive.error(f"an interval of at least {SHORTEST_SECONDS:.0f}s")
    return Reload(interval, environment)
