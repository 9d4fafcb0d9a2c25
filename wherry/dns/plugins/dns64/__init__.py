"""dns64 [PREFIX]: AAAA records for names that have only A records, so that IPv6 clients reach them (RFC 6147)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Network

from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.metrics import Metrics
from wherry.dns.query import NXDOMAIN, SERVFAIL, Answer, Handler, Keep, Query, Quiet
from wherry.dns.wire.record import AAAA, IN, SOA, A, Record

WELL_KNOWN = IPv6Network("64:ff9b::/96")
LENGTHS = (32, 40, 48, 56, 64, 96)
LONGEST_TTL = 600  # seconds, where no SOA says it (RFC 6147 section 5.1.7)


@dataclass
class Dns64(Quiet):
    """The plugin. `always`: also for names that have AAAA records. `for_ipv4`: for clients that come over IPv4, too."""

    prefix: IPv6Network
    always: bool
    for_ipv4: bool
    metrics: Metrics

    def __post_init__(self) -> None:
        self.sees_every_query = not self.for_ipv4  # the answer depends on the client's family

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Make AAAA records where there are none."""
        if query.type != AAAA or query.question.cls != IN or (":" not in query.client and not self.for_ipv4):
            return await next(query)
        answer = await next(query)
        if answer.rcode == NXDOMAIN or (not self.always and any(r.type == AAAA for r in answer.answer)):
            return answer
        other = await next(query.about(query.name, A))
        if other.rcode is None or other.rcode == SERVFAIL:
            return other
        self.metrics.dns64.inc()
        most = longest_ttl(answer)
        records = tuple(self._translated(r, most) for r in other.answer)
        if not any(r.type == AAAA for r in records):
            return answer
        return other._replace(answer=records, authority=(), keep=_keep(answer, other), authentic=False)

    def _translated(self, record: Record, most: int) -> Record:
        if record.type != A:
            return record
        return Record(record.name, AAAA, min(record.ttl, most), embedded(self.prefix, record.data))


def longest_ttl(answer: Answer) -> int:
    """Return the longest TTL a made-up record may have: that of the denial it takes the place of."""
    return next((r.ttl for r in answer.authority if r.type == SOA), LONGEST_TTL)


def _keep(denial: Answer, answer: Answer) -> Keep | None:
    return denial.keep.and_(answer.keep) if denial.keep else None


def embedded(prefix: IPv6Network, address: bytes) -> bytes:
    """Return an IPv4 address inside a prefix; the ninth byte stays zero (RFC 6052 section 2.2)."""
    start = prefix.prefixlen // 8
    made = bytearray(prefix.network_address.packed[:start] + address)
    if start < 12:
        made.insert(8, 0)
    return bytes(made.ljust(16, b"\0"))


def _prefix(text: str, directive: Directive) -> IPv6Network:
    try:
        prefix = IPv6Network(text)
    except ValueError as error:
        raise directive.error(f"{text} is no IPv6 prefix: {error}") from error
    if prefix.prefixlen not in LENGTHS:
        raise directive.error(f"{text}: a prefix has {', '.join(map(str, LENGTHS))} bits")
    return prefix


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Dns64:
    """Make the plugin."""
    if len(directive.args) > 1:
        raise directive.error("takes one prefix")
    prefix = _prefix(directive.args[0], directive) if directive.args else WELL_KNOWN
    always = for_ipv4 = False
    for option in directive.options:
        match option.name, option.args:
            case "prefix", (text,):
                prefix = _prefix(text, directive)
            case "translate_all", ():
                always = True
            case "allow_ipv4", ():
                for_ipv4 = True
            case _:
                raise directive.unknown(option)
    return Dns64(prefix, always, for_ipv4, environment.metrics)
