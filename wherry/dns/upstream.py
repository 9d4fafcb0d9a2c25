"""One upstream server, and whether it is worth asking.

After some failures in a row it rests: while it does, nobody waits for it. Then one query tries it, and the others
follow when that is answered. No health checks run beside the queries: a server nobody asks need not be known.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import dns.asyncquery
import dns.exception
import dns.message

log = logging.getLogger(__name__)

UPSTREAM_SECONDS = 2.0


class UpstreamError(Exception):
    """It did not answer in time, or not with DNS."""


class Upstream:
    """The DNS server at `address`:`port`. `most_failures` 0: it never rests."""

    def __init__(
        self,
        address: str,
        port: int = 53,
        *,
        tcp: bool = False,
        most_failures: int = 2,
        rest_seconds: float = 0.5,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._address = address
        self._port = port
        self._tcp = tcp
        self._most_failures = most_failures
        self._rest_seconds = rest_seconds
        self._clock = clock
        self._failures = 0
        self._rests_until = 0.0

    def __str__(self) -> str:
        host = f"[{self._address}]" if ":" in self._address else self._address
        return f"{host}:{self._port}"

    def take(self) -> bool:
        """Whether to ask it now. After a rest only the first who calls is told to."""
        if not self._most_failures or self._failures < self._most_failures:
            return True
        if self._clock() < self._rests_until:
            return False
        self._rests_until = self._clock() + UPSTREAM_SECONDS + self._rest_seconds
        return True

    async def ask(self, message: dns.message.Message) -> dns.message.Message:
        """Return its answer; raises UpstreamError."""
        try:
            answer = await self._exchange(message)
        except (OSError, EOFError, dns.exception.DNSException) as error:
            self._failed(str(error) or type(error).__name__)
            raise UpstreamError(str(error)) from error
        if self._failures:
            if self._failures >= self._most_failures:
                log.info("upstream answers again", extra={"upstream": self})
            self._failures = 0
        answer.id = message.id
        return answer

    async def _exchange(self, message: dns.message.Message) -> dns.message.Message:
        if self._tcp:
            return await dns.asyncquery.tcp(message, self._address, timeout=UPSTREAM_SECONDS, port=self._port)
        answer, _ = await dns.asyncquery.udp_with_fallback(
            message, self._address, timeout=UPSTREAM_SECONDS, port=self._port, ignore_unexpected=True
        )
        return answer

    def _failed(self, why: str) -> None:
        self._failures += 1
        self._rests_until = self._clock() + self._rest_seconds
        if self._failures == self._most_failures:
            log.warning("upstream does not answer", extra={"upstream": self, "error": why})
