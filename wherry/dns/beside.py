"""What a plugin does beside the queries: a task from the plugin's start to its stop."""

from __future__ import annotations

import asyncio

from wherry.component.supervise import Work, supervise
from wherry.component.troubles import Troubles


class Beside:
    """`work`, run again whenever it crashes or (`forever`) ends."""

    def __init__(self, name: str, work: Work, troubles: Troubles, *, forever: bool = True):
        self._name = name
        self._work = work
        self._troubles = troubles
        self._forever = forever
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.ensure_future(supervise(self._name, self._work, self._troubles, forever=self._forever))

    def stop(self) -> None:
        """End it, if it was begun."""
        if self._task:
            self._task.cancel()
