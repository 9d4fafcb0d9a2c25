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


@dataclass(frozen=True, slots=True)
class Query:
    """A question: its message, name (as asked; dnspython compares without case), type, and who asks over what."""

    message: dns.message.Message
    name: dns.name.Name
    type: dns.rdatatype.RdataType
    client: str
    transport: str  # udp | tcp

    @staticmethod
    def of(message: dns.message.Message, client: str, transport: str) -> Query:
        """Return the query for a message with one question."""
        question = message.question[0]
        return Query(message, question.name, question.rdtype, client, transport)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response. `lasting`: the same question gets these very bytes until the cluster's records change."""

    message: dns.message.Message
    lasting: bool = False


Handler = Callable[[Query], Awaitable[Answer]]
"""The rest of the chain."""


class Plugin(Protocol):
    """One link of the chain.

    `serve` answers, or hands the query to `next` and may change what comes back. It must not raise for anything a
    client sends or an upstream does: failures are answers (SERVFAIL). `start` is awaited before the first query and
    `stop` after the last; both at most once.
    """

    async def start(self) -> None:
        """Begin what runs beside the queries."""
        ...

    async def stop(self) -> None:
        """End it."""
        ...

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Answer `query`, or let `next` do it."""
        ...


class Quiet:
    """The parts of `Plugin` that most plugins leave empty."""

    async def start(self) -> None:
        """Nothing runs beside the queries."""

    async def stop(self) -> None:
        """Nothing to end."""

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Let the next plugin answer."""
        return await next(query)


def respond(query: Query, rcode: dns.rcode.Rcode, *, authoritative: bool = False) -> dns.message.Message:
    """Return an empty response to `query`."""
    response = dns.message.make_response(query.message, recursion_available=True)
    response.set_rcode(rcode)
    if authoritative:
        response.flags |= dns.flags.AA
    return response


async def refuse(query: Query) -> Answer:
    """End of every chain: nobody here answers for that name."""
    return Answer(respond(query, dns.rcode.REFUSED))
