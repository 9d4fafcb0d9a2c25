"""One upstream server, and whether it is worth asking.

After some failures in a row it rests: while it does, nobody waits for it. Then one query tries it, and the others
follow when that is answered. No health checks run beside the queries: a server nobody asks need not be known.
"""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass

from wherry.dns.query import Query
from wherry.dns.upstream.datagrams import Datagrams
from wherry.dns.upstream.errors import UpstreamError
from wherry.dns.upstream.streams import IDLE_SECONDS, Connections
from wherry.dns.upstream.unguessable import two_bytes
from wherry.dns.wire import response
from wherry.dns.wire.question import CD, RD, TC, Edns, write
from wherry.dns.wire.response import Malformed, Response

log = logging.getLogger(__name__)

UPSTREAM_SECONDS = 2.0
PAYLOAD = 1232
"""Bytes a datagram of an upstream may have: fragments get lost (DNS flag day 2020)."""
FORMERR, NOTIMP = 1, 4


@dataclass(frozen=True, slots=True)
class Way:
    """How a server is asked. `context` is there for TLS; `most_failures` 0: it never rests."""

    tcp: bool = False
    context: ssl.SSLContext | None = None
    server_name: str = ""
    most_failures: int = 2
    rest_seconds: float = 0.5
    read_seconds: float | None = None
    idle_seconds: float = IDLE_SECONDS


class Upstream:
    """The DNS server at `address`:`port`."""

    def __init__(
        self, address: str, port: int = 53, way: Way | None = None, clock: Callable[[], float] = time.monotonic
    ):
        self._way = way = way or Way()
        self._address = address
        self._port = port
        self._datagrams = None if way.tcp or way.context else Datagrams(address, port)
        self._streams = Connections(address, port, way.context, way.server_name, way.idle_seconds)
        self._clock = clock
        self._failures = 0
        self._rests_until = 0.0

    def __str__(self) -> str:
        host = f"[{self._address}]" if ":" in self._address else self._address
        return f"{'tls://' if self._way.context else ''}{host}:{self._port}"

    def take(self) -> bool:
        """Whether to ask it now. After a rest only the first who calls is told to."""
        if not self._way.most_failures or self._failures < self._way.most_failures:
            return True
        if self._clock() < self._rests_until:
            return False
        self._rests_until = self._clock() + self._seconds() + self._way.rest_seconds
        return True

    async def ask(self, query: Query) -> Response:
        """Return its answer; raises UpstreamError."""
        try:
            answer = await self._ask(query)
        except UpstreamError as error:
            self._failed(str(error))
            raise
        if self._failures:
            if self._failures >= self._way.most_failures:
                log.info("upstream answers again", extra={"upstream": self})
            self._failures = 0
        return answer

    def close(self) -> None:
        """Keep no connection."""
        self._streams.close()
        if self._datagrams:
            self._datagrams.close()

    def _seconds(self) -> float:
        return self._way.read_seconds or UPSTREAM_SECONDS

    async def _ask(self, query: Query) -> Response:
        question = query.question
        edns = Edns(min(question.edns.payload, PAYLOAD) if question.edns else PAYLOAD, _dnssec(query))
        answer = await self._exchange(query, edns)
        if answer.rcode in (FORMERR, NOTIMP) and not answer.answer:
            answer = await self._exchange(query, None)  # it may know nothing of EDNS
        return answer

    async def _exchange(self, query: Query, edns: Edns | None) -> Response:
        question, raw = query.question, query.question.raw
        id = two_bytes()
        flags = RD | (question.flags & CD)
        sent = write(id, raw[:-4], question.type, question.cls, flags=flags, edns=edns)
        try:
            if self._datagrams:
                answer = response.read(await self._datagrams.ask(sent, len(raw), self._seconds()))
                if not answer.flags & TC:
                    return answer
            answer = response.read(await self._streams.ask(sent, self._seconds()))
        except Malformed as error:
            raise UpstreamError(f"{self}: no DNS: {error}") from error
        if answer.question and answer.question.lower() != raw.lower():
            raise UpstreamError(f"{self}: an answer to another question")
        return answer

    def _failed(self, why: str) -> None:
        self._failures += 1
        self._rests_until = self._clock() + self._way.rest_seconds
        if self._failures == self._way.most_failures:
            log.warning("upstream does not answer", extra={"upstream": self, "error": why})


def _dnssec(query: Query) -> bool:
    return bool(query.question.edns and query.question.edns.dnssec)
