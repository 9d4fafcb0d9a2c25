"""One question on its way through the chain, and what comes back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple, Protocol

from wherry.dns import names
from wherry.dns.wire import question as wire
from wherry.dns.wire.record import CNAME, IN, Record, type_text
from wherry.dns.wire.render import Content, Pieces, render

MAPPED = "::ffff:"
"""What precedes an IPv4 client's address at a socket of both families (RFC 4291 section 2.5.5.2)."""
FOR_EVER = float("inf")
NOERROR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = 0, 2, 3, 4, 5


@dataclass(frozen=True, slots=True)
class Query:
    """A question, and who asks over what (`transport`: udp, tcp or tls).

    `above` is its name and every name above it: it is below a zone that is among them. `hops` counts the aliases that
    led here, when it is a question of our own.
    """

    question: wire.Question
    above: tuple[bytes, ...]
    client: str
    port: int
    transport: str
    data: bytes = b""
    hops: int = 0

    @staticmethod
    def read(data: bytes, client: str, port: int, transport: str) -> Query:
        """Return the query of a message; raises Unanswerable."""
        question = wire.read(data)
        return Query(question, names.suffixes(question.name), client.removeprefix(MAPPED), port, transport, data)

    @staticmethod
    def ask(name: str, type: int, client: str = "127.0.0.1", transport: str = "udp") -> Query:
        """Return a query nobody sent; raises CorefileError for what is no name."""
        return Query.read(wire.write(b"\0\0", names.of_text(name), type), client, 0, transport)

    def about(self, name: bytes, type: int | None = None, *, hops: int | None = None) -> Query:
        """Return the same asker's question about another name or type."""
        kind = self.question.type if type is None else type
        raw = name + kind.to_bytes(2, "big") + self.question.cls.to_bytes(2, "big")
        asked = self.question._replace(name=name.lower(), raw=raw, type=kind)
        count = self.hops if hops is None else hops
        return replace(self, question=asked, above=names.suffixes(asked.name), data=b"", hops=count)

    @property
    def name(self) -> bytes:
        """The name asked for, lower-case."""
        return self.question.name

    @property
    def type(self) -> int:
        """The type asked for."""
        return self.question.type

    def zone_of(self, zones: tuple[bytes, ...]) -> bytes | None:
        """Return the longest of `zones` the name is in."""
        for name in self.above:
            if name in zones:
                return name
        return None

    def falls_through(self, zones: tuple[bytes, ...] | None) -> bool:
        """Return whether a plugin with `fallthrough` for these zones (None: without it) leaves the name to the next."""
        return zones is not None and self.zone_of(zones) is not None

    def render(self, answer: Answer) -> Pieces:
        """Return an answer as its transport takes it."""
        content = Content(
            answer.rcode or NOERROR, answer.answer, answer.authority, answer.additional,
            answer.authoritative, answer.authentic, answer.options,
        )  # fmt: skip
        limit = wire.limit(self.question, self.transport)
        return render(self.question, content, min(limit, answer.largest) if self.transport == "udp" else limit)

    def __str__(self) -> str:
        return f"{names.text(self.name)} {type_text(self.type)}"


class Verdict(Enum):
    """What is to become of an answer.

    It is sent, sent without its records and with TC, or not at all; or it is none for this client, and the plugins are
    asked.
    """

    SEND = 1
    CUT = 2
    DROP = 3
    ASK = 4


Gate = Callable[[str], Verdict]
"""Says what is to become of a kept answer for a client (an address)."""


class Keep(NamedTuple):
    """How long an answer is good.

    Until a change of one of `tags`, and until `until` (seconds of `time.monotonic`). Where `stored` is given its TTLs
    count down from then. `crowd`: there are as many such names as somebody cares to make up. `used` hears how often it
    was given again. `gate` is asked each time before, for the client's address; it must be quick.
    """

    tags: tuple[Hashable, ...] = ()
    stored: float | None = None
    until: float = FOR_EVER
    crowd: bool = False
    used: Callable[[int], None] | None = None
    gate: Gate | None = None

    def and_(self, other: Keep | None) -> Keep | None:
        """Return how long an answer made of two is good."""
        if other is None or self.stored != other.stored:
            return None
        until, crowd = min(self.until, other.until), self.crowd or other.crowd
        used, gate = self.used or other.used, self.gate or other.gate
        return Keep((*self.tags, *other.tags), self.stored, until, crowd, used, gate)

    def while_(self, other: Keep | None) -> Keep | None:
        """Return how long an answer is good that has no record of another, but is right only as long as that is."""
        if other is None:
            return None
        return self._replace(tags=(*self.tags, *other.tags), until=min(self.until, other.until))


class Answer(NamedTuple):
    """A response. `rcode` None: none is sent.

    `keep`: the same question gets the same answer for so long; None: ask again. `cacheable`: it comes from elsewhere,
    and may be given again for as long as its TTLs say. `rotate`: its records change places each time. `largest`: no
    datagram has more bytes. `whole` is what may be kept where less than that is sent now. `why` says, for people, where
    it comes from.
    """

    rcode: int | None = NOERROR
    answer: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()
    authoritative: bool = False
    authentic: bool = False
    options: bytes = b""
    keep: Keep | None = None
    cacheable: bool = False
    rotate: bool = False
    largest: int = wire.LARGEST_TCP
    why: str = ""
    whole: Answer | None = None


Handler = Callable[[Query], Awaitable[Answer]]
"""The rest of the chain."""
SearchPath = tuple[bytes, ...]
"""Domains a resolver puts behind a name, the root last (resolv.conf(5))."""


class Plugin(Protocol):
    """One link of the chain.

    `serve` answers, or hands the query to `next` and may change what comes back. It must not raise for anything a
    client sends or an upstream does: failures are answers (SERVFAIL). `start` and `stop` are awaited at most once;
    queries may come before the one and after the other. `ready` returns once it has what it needs to answer, and
    `is_ready` tells whether it has. `sees_every_query`: no kept answer may be given again without asking it.
    `asks_searches`: it calls `searches` of the block's others.
    """

    sees_every_query: bool
    asks_searches: bool

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

    def searches(self, client: str) -> SearchPath | None:
        """Return the search path of the resolver at an address, None where it is not known; it must be quick."""
        ...

    def begins_search(self, domain: bytes) -> bool:
        """Whether a search path that `searches` returns may begin with this domain."""
        ...

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Answer `query`, or let `next` do it."""
        ...


class Quiet:
    """The parts of `Plugin` that most plugins leave empty."""

    sees_every_query = False
    asks_searches = False

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

    def searches(self, client: str) -> SearchPath | None:
        """It knows no resolver."""
        return None

    def begins_search(self, domain: bytes) -> bool:
        """It knows no resolver."""
        return False

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Let the next plugin answer."""
        return await next(query)


async def refuse(query: Query) -> Answer:
    """End of every chain: nobody here answers for that name."""
    return Answer(REFUSED, why="no plugin of the server block answers for this name")


async def follow(query: Query, target: bytes, resolve: Handler, most: int) -> tuple[tuple[Record, ...], Keep | None]:
    """Return what the target of an alias holds, asked through `resolve`, and how long that is good.

    Nothing, where the aliases are more than `most`, or the alias itself was asked for.
    """
    if query.hops >= most or query.type == CNAME or query.question.cls != IN:
        return (), Keep()
    answer = await resolve(query.about(target, hops=query.hops + 1))
    return answer.answer, answer.keep
