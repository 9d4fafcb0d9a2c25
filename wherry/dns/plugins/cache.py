"""cache [TTL] [ZONES...]: keeps what upstream servers answered, for at most TTL seconds (default 3600).

cache [TTL] [ZONES...] {
    success CAPACITY [TTL] [MINTTL]     answers: how many, the longest and the shortest time
    denial CAPACITY [TTL] [MINTTL]      the same for NXDOMAIN and NODATA (RFC 2308)
    servfail DURATION                   how long a failure is given again (default 5s, at most 5m; 0: not at all)
    disable success|denial [ZONES...]   not these
}

The cluster's own answers are not kept here: they come from memory anyway, and are never stale that way.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, Option, ServerBlock
from wherry.dns.durations import seconds
from wherry.dns.query import Answer, Handler, Query, Quiet, respond

CAPACITY = 9984  # CoreDNS's default for each of its two caches
LONGEST_TTL = 3600
LONGEST_DENIAL_TTL = 1800
SERVFAIL_SECONDS = 5.0
LONGEST_SERVFAIL_SECONDS = 300.0  # RFC 2308, section 7.1

Sort = Literal["success", "denial"]
Key = tuple[dns.name.Name, int, bool, bool]


@dataclass(slots=True)
class Limits:
    """How many answers of one sort are kept, for how many seconds; names below `disabled` are not."""

    longest: int
    capacity: int = CAPACITY
    shortest: int = 0
    disabled: tuple[dns.name.Name, ...] = ()


@dataclass
class Settings:
    """What the directive asks for."""

    zones: tuple[dns.name.Name, ...]
    limits: dict[Sort, Limits]
    servfail_seconds: float = SERVFAIL_SECONDS


@dataclass(slots=True)
class _Kept:
    message: dns.message.Message
    stored: float
    expires: float


@dataclass
class Cache(Quiet):
    """The plugin. `clock` gives seconds."""

    settings: Settings
    environment: Environment
    clock: Callable[[], float] = time.monotonic
    _stores: dict[Sort, OrderedDict[Key, _Kept]] = field(
        default_factory=lambda: {"success": OrderedDict(), "denial": OrderedDict()}
    )

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Answer from what is kept, or keep what comes back."""
        if not any(query.name.is_subdomain(z) for z in self.settings.zones):
            return await next(query)
        key = _key(query)
        now = self.clock()
        for sort, store in self._stores.items():
            kept = store.get(key)
            if kept and kept.expires > now:
                store.move_to_end(key)
                self.environment.metrics.cache_hits.labels(sort).inc()
                return Answer(_aged(kept, query, now))
        self.environment.metrics.cache_misses.inc()
        answer = await next(query)
        if answer.cacheable:
            self._keep(key, answer.message)
        return answer

    def _keep(self, key: Key, message: dns.message.Message) -> None:
        sort = _sort(message)
        limits = self.settings.limits[sort]
        seconds = self._seconds(message, limits)
        if seconds <= 0 or any(key[0].is_subdomain(z) for z in limits.disabled):
            return
        now = self.clock()
        store = self._stores[sort]
        store[key] = _Kept(message, now, now + seconds)
        store.move_to_end(key)
        if len(store) > limits.capacity:
            store.popitem(last=False)
        self.environment.metrics.cache_entries.labels(sort).set(len(store))

    def _seconds(self, message: dns.message.Message, limits: Limits) -> float:
        """Return how long a response may be kept; 0 for not at all."""
        if message.rcode() == dns.rcode.SERVFAIL:
            return self.settings.servfail_seconds
        if message.flags & dns.flags.TC or message.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            return 0
        if _sort(message) == "success":
            ttl = min(rrset.ttl for rrset in message.answer)
        else:
            soa = next((s for s in message.authority if s.rdtype == dns.rdatatype.SOA), None)
            ttl = min(soa.ttl, soa[0].minimum) if soa else 0
        return min(limits.longest, max(limits.shortest, ttl))


def _key(query: Query) -> Key:
    message = query.message
    secure, unchecked = message.ednsflags & dns.flags.DO, message.flags & dns.flags.CD
    return query.name, int(query.type), bool(secure), bool(unchecked)


def _sort(message: dns.message.Message) -> Sort:
    return "success" if message.answer and message.rcode() == dns.rcode.NOERROR else "denial"


def _aged(kept: _Kept, query: Query, now: float) -> dns.message.Message:
    """Return the kept response for this query, its TTLs less the time it has been kept."""
    age = int(now - kept.stored)
    response = respond(query, kept.message.rcode())
    for source, target in (
        (kept.message.answer, response.answer),
        (kept.message.authority, response.authority),
        (kept.message.additional, response.additional),
    ):
        for rrset in source:
            target.append(dns.rrset.from_rdata_list(rrset.name, max(0, rrset.ttl - age), list(rrset)))
    return response


def settings(directive: Directive, block: ServerBlock) -> Settings:
    """Read the directive; raises CorefileError."""
    args = list(directive.args)
    ttl = int(args.pop(0)) if args and args[0].isdigit() else LONGEST_TTL
    zones = directive.zones(args or (zone for zone, _ in block.zones))
    limits: dict[Sort, Limits] = {
        "success": Limits(min(ttl, LONGEST_TTL)),
        "denial": Limits(min(ttl, LONGEST_DENIAL_TTL)),
    }
    result = Settings(zones, limits)
    for option in directive.options:
        _read(option, directive, result)
    return result


def _read(option: Option, directive: Directive, result: Settings) -> None:
    match option.name, option.args:
        case "success" | "denial" as sort, numbers if 1 <= len(numbers) <= 3 and all(n.isdigit() for n in numbers):
            limits = result.limits[sort]
            for name, number in zip(("capacity", "longest", "shortest"), numbers, strict=False):
                setattr(limits, name, int(number))
        case "servfail", (duration,):
            result.servfail_seconds = seconds(duration, directive)
            if result.servfail_seconds > LONGEST_SERVFAIL_SECONDS:
                raise directive.error(f"line {option.line}: failures may be kept for 5m at most")
        case "disable", ("success" | "denial" as sort, *zones):
            result.limits[sort].disabled = directive.zones(zones) or result.zones
        case name, args:
            raise directive.error(f"line {option.line}: {' '.join((name, *args))} is not supported")


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Cache:
    """Make the plugin."""
    return Cache(settings(directive, block), environment)
