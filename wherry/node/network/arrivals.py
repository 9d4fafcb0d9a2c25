"""Who is sent connections, and first packets of UDP: counted for pods that are ending, by what the kernel tracks.

What a pod says to itself is tracked in its own namespace and not here. The agent's probes come from the same address as
what a hostNetwork pod of the node sends, an Ingress controller for one: so who probes says so.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from wherry.net import flowwatch

log = logging.getLogger(__name__)

Taken = Callable[[], int]
"""Returns how much has come so far."""


class Arrivals:
    """Counts what comes to addresses from or through this namespace. It listens while somebody asks."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._asking: Counter[str] = Counter()
        self._listening = ExitStack()

    @contextmanager
    def at(self, address: str) -> Iterator[Taken]:
        """Count what comes to an address from now on."""
        if not self._asking:
            self._listen()
        self._asking[address] += 1
        try:
            yield lambda: self._counts[address]
        finally:
            self._asking[address] -= 1
            self._asking += Counter()  # without the zeros
            if not self._asking:
                self._listening.close()
                self._counts.clear()

    def leave_out_next(self, address: str) -> None:
        """Do not count the connection that is about to be made to an address."""
        if address in self._asking:
            self._counts[address] -= 1

    def _listen(self) -> None:
        try:
            self._listening.enter_context(flowwatch.watch(self._began, self._lost))
        except OSError as error:
            log.warning("pods end without waiting for who still connects to them: %s", error)

    def _began(self, answerer: str) -> None:
        if answerer in self._asking:
            self._counts[answerer] += 1

    def _lost(self) -> None:
        """Count one for each: somebody is sent a lot."""
        self._counts.update(self._asking.keys())
