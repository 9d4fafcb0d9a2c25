"""One question on its way through the chain, and what comes back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from wherry.dns.wire import LARGEST_UDP

MAPPED = "::ffff:"
"""What precedes an IPv4 client's address at a socket of both families (RFC 4291 section 2.5.5.2)."""


@dataclass(frozen=True, slots=True)
class Query:
    """A question: its message, name (as asked; dnspython compares without case), type, and who asks over what.

    `hops` counts the aliases that led here, when it is a question of our own.
    """

    message: dns.message.Message
    name: dns.name.Name
    type: dns.rdatatype.RdataType
    client: str
    transport: str  # udp | tcp
    hops: int = 0

    @staticmethod
    def of(message: dns.message.Message, client: str, transport: str) -> Query:
        """Return the query for a message with one question."""
        question = message.question[0]
        return Query(message, question.name, question.rdtype, client.removeprefix(MAPPED), transport)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response.

    `lasting`: the same question gets these very bytes until the cluster's records change. `cacheable`: it comes from
    elsewhere, and may be given again for as long as its TTLs say.
    """

    message: dns.message.Message
    lasting: bool = False
    cacheable: bool = False


Handler = Callable[[Query], Awaitable[Answer]]
"""The rest of the chain."""


class Plugin(Protocol):
    """One link of the chain.

    `serve` answers, or hands the query to `next` and may change what comes back. It must not raise for anything a
    client sends or an upstream does: failures are answers (SERVFAIL). `start` and `stop` are awaited at most once;
    queries may come before the one and after the other. `ready` returns once it has what it needs to answer, and
    `is_ready` tells whether it has. `sees_every_query`: no lasting answer may be given again without asking it.
    """

    sees_every_query: bool

    async def start(self) -> None:
        """Begin what runs beside the queries."""
        ...

    async def stop(self) -> None:
        """End it."""
        ...

    def is_ready(self) -> bool:
        """Whether it can answer."""
        ...

    async def ready(self) -> None:
        """Return once it can."""
        ...

    async def linger(self) -> None:
        """Return when the server may go, once it has been told to."""
        ...

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Answer `query`, or let `next` do it."""
        ...


class Quiet:
    """The parts of `Plugin` that most plugins leave empty."""

    sees_every_query = False

    async def start(self) -> None:
        """Nothing runs beside the queries."""

    async def stop(self) -> None:
        """Nothing to end."""

    def is_ready(self) -> bool:
        """It needs nothing."""
        return True

    async def ready(self) -> None:
        """It needs nothing."""

    async def linger(self) -> None:
        """It does not mind."""

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Let the next plugin answer."""
        return await next(query)


def respond(query: Query, rcode: dns.rcode.Rcode, *, authoritative: bool = False) -> dns.message.Message:
    """Return an empty response to `query`."""
    response = dns.message.make_response(query.message, recursion_available=True, our_payload=LARGEST_UDP, pad=0)
    response.set_rcode(rcode)
    if authoritative:
        response.flags |= dns.flags.AA
    return response


async def refuse(query: Query) -> Answer:
    """End of every chain: nobody here answers for that name."""
    return Answer(respond(query, dns.rcode.REFUSED))
