"""cache [TTL] [ZONES...]: keeps what upstream servers answered, for at most TTL seconds (default 3600).

The cluster's own answers are not kept here: they come from memory anyway, and are never stale that way.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.query import Answer, Handler, Query, Quiet

CAPACITY = 9984  # CoreDNS's default for each of its two caches
LONGEST_TTL = 3600
LONGEST_DENIAL_TTL = 1800
Key = tuple[dns.name.Name, int, bool]


@dataclass(slots=True)
class _Kept:
    message: dns.message.Message
    stored: float
    expires: float


class Cache(Quiet):
    """The plugin."""

    def __init__(self, longest: int, environment: Environment, zones: tuple[dns.name.Name, ...]):
        self._longest = longest
        self._metrics = environment.metrics
        self._zones = zones
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Answer from what is kept, or keep what comes back."""
        if not any(query.name.is_subdomain(z) for z in self._zones):
            return await next(query)
        now = time.monotonic()
        key = (query.name, int(query.type), bool(query.message.ednsflags & dns.flags.DO))
        kept = self._kept.get(key)
        if kept and kept.expires > now:
            self._kept.move_to_end(key)
            self._metrics.cache_hits.labels("denial" if kept.message.rcode() else "success").inc()
            return Answer(_aged(kept, query, now))
        self._metrics.cache_misses.inc()
        answer = await next(query)
        seconds = 0 if answer.lasting or answer.message.flags & dns.flags.AA else self._seconds(answer.message)
        if seconds:
            self._kept[key] = _Kept(answer.message, now, now + seconds)
            if len(self._kept) > CAPACITY:
                self._kept.popitem(last=False)
        return answer

    def _seconds(self, message: dns.message.Message) -> int:
        """Return how long a response may be kept (RFC 2308 for denials); 0 for not at all."""
        if message.flags & dns.flags.TC or message.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            return 0
        if message.answer and message.rcode() == dns.rcode.NOERROR:
            return min(self._longest, *(s.ttl for s in message.answer), LONGEST_TTL)
        soa = next((s for s in message.authority if s.rdtype == dns.rdatatype.SOA), None)
        return min(self._longest, soa.ttl, soa[0].minimum, LONGEST_DENIAL_TTL) if soa else 0


def _aged(kept: _Kept, query: Query, now: float) -> dns.message.Message:
    """Return the kept response for this query, its TTLs less the time it has been kept."""
    age = int(now - kept.stored)
    response = dns.message.make_response(query.message, recursion_available=True)
    response.set_rcode(kept.message.rcode())
    for source, target in (
        (kept.message.answer, response.answer),
        (kept.message.authority, response.authority),
        (kept.message.additional, response.additional),
    ):
        for rrset in source:
            target.append(dns.rrset.from_rdata_list(rrset.name, max(0, rrset.ttl - age), list(rrset)))
    return response


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Cache:
    """Make the plugin."""
    args = list(directive.args)
    longest = int(args.pop(0)) if args and args[0].isdigit() else LONGEST_TTL
    zones = args or [zone for zone, _ in block.zones]
    if directive.options:
        raise directive.error(f"{directive.options[0].name} is not supported yet")
    return Cache(longest, environment, tuple(dns.name.from_text(z) for z in zones))
