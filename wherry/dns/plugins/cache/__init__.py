"""cache [TTL] [ZONES...]: keeps what upstream servers answered, for at most TTL seconds.

The cluster's own answers are not kept here: they come from memory anyway, and are never stale that way.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from wherry.dns import names
from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.kept import aged
from wherry.dns.plugins.cache.settings import Settings, Sort, TtlLimits, settings
from wherry.dns.query import NOERROR, NXDOMAIN, SERVFAIL, Answer, Handler, Keep, Query, Quiet
from wherry.dns.wire.question import CD
from wherry.dns.wire.record import SOA, Record

Key = tuple[bytes, int, int, bool, bool]


@dataclass(slots=True)
class _Item:
    """An answer. `hits` counts how often it was asked for without a long gap before `last`."""

    answer: Answer
    stored: float
    expires: float
    hits: int = 0
    last: float = 0.0
    fetching: bool = False


@dataclass
class Cache(Quiet):
    """The plugin. `clock` gives seconds."""

    settings: Settings
    environment: Environment
    clock: Callable[[], float] = time.monotonic
    _stores: dict[Sort, OrderedDict[Key, _Item]] = field(
        default_factory=lambda: {"success": OrderedDict(), "denial": OrderedDict()}
    )
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        for sort, store in self._stores.items():
            self.environment.metrics.cache_entries.labels(sort).set_function(partial(len, store))

    async def stop(self) -> None:
        """Fetch nothing more."""
        for task in self._tasks:
            task.cancel()

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Answer from what is kept, or keep what comes back."""
        if query.zone_of(self.settings.zones) is None:
            return await next(query)
        key, now = _key(query), self.clock()
        self.environment.metrics.cache_requests.inc()
        sort, item = self._find(key)
        if item and item.expires > now:
            self._used(sort, item, 1)
            self._prefetch(key, item, query, next, now)
            return self._again(sort, item, now)
        self.environment.metrics.cache_misses.inc()
        if item and self.settings.stale and item.expires + self.settings.stale.seconds > now:
            return await self._stale(key, item, query, next)
        return self._keep(key, await next(query))

    def _find(self, key: Key) -> tuple[Sort, _Item | None]:
        for sort, store in self._stores.items():
            item = store.get(key)
            if item:
                store.move_to_end(key)
                return sort, item
        return "success", None

    def _used(self, sort: Sort, item: _Item, times: int) -> None:
        now, prefetch = self.clock(), self.settings.prefetch
        item.hits = times if prefetch and now - item.last > prefetch.gap else item.hits + times
        item.last = now
        self.environment.metrics.cache_hits.labels(sort).inc(times)

    def _again(self, sort: Sort, item: _Item, now: float) -> Answer:
        """Return a kept answer, its TTLs less its age, which is good until it runs out or should be fetched anew."""
        until, prefetch = item.expires, self.settings.prefetch
        if prefetch:
            until -= (item.expires - item.stored) * prefetch.share
        used, crowd = partial(self._again_used, sort, item), sort == "denial"
        if self.settings.keep_ttl:
            return item.answer._replace(keep=Keep(until=until, crowd=crowd, used=used))
        age = int(now - item.stored)
        return aged(item.answer, age)._replace(keep=Keep((), item.stored + age, until, crowd, used))

    def _again_used(self, sort: Sort, item: _Item, times: int) -> None:
        self.environment.metrics.cache_requests.inc(times)
        self._used(sort, item, times)

    def _prefetch(self, key: Key, item: _Item, query: Query, next: Handler, now: float) -> None:
        wanted = self.settings.prefetch
        if not wanted or item.hits < wanted.amount or item.fetching:
            return
        if item.expires - now <= (item.expires - item.stored) * wanted.share:
            self.environment.metrics.cache_prefetches.inc()
            self._fetch(key, item, query, next)

    def _fetch(self, key: Key, item: _Item, query: Query, next: Handler) -> None:
        """Ask again beside the queries, once at a time."""

        async def fetch() -> None:
            try:
                answer = await next(query)
                if answer.rcode != SERVFAIL:
                    self._keep(key, answer)
            finally:
                item.fetching = False

        if not item.fetching:
            item.fetching = True
            task = asyncio.ensure_future(fetch())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _stale(self, key: Key, item: _Item, query: Query, next: Handler) -> Answer:
        """Give what has run out, with a TTL of 0, and ask again: meanwhile, or before (`verify`)."""
        assert self.settings.stale
        if self.settings.stale.verify:
            answer = await next(query)
            if answer.rcode != SERVFAIL:
                return self._keep(key, answer)
        else:
            self._fetch(key, item, query, next)
        self.environment.metrics.cache_stale.inc()
        return aged(item.answer, 1 << 31)._replace(why=f"{item.answer.why}; it has run out")

    def _keep(self, key: Key, answer: Answer) -> Answer:
        """Keep an answer that may be kept; return it with no TTL above the longest."""
        sort = _sort(answer)
        limits = self.settings.limits[sort]
        if not answer.cacheable:
            return _capped(answer, limits.longest)
        seconds = self._seconds(answer, limits)
        if seconds <= 0 or (limits.disabled and names.below(key[0], limits.disabled)):
            return answer
        now, ttl = self.clock(), int(seconds)
        item = _Item(_flat(answer, ttl), now, now + seconds)
        for other in self._stores.values():
            other.pop(key, None)
        store = self._stores[sort]
        store[key] = item
        if len(store) > limits.capacity:
            store.popitem(last=False)
            self.environment.metrics.cache_evictions.labels(sort).inc()
        if not answer.authoritative:
            return item.answer
        return item.answer._replace(authoritative=True)  # most names are asked for but once

    def _seconds(self, answer: Answer, limits: TtlLimits) -> float:
        """Return how long a response may be kept; 0 for not at all."""
        if answer.rcode == SERVFAIL:
            return self.settings.servfail_seconds
        if answer.rcode not in (NOERROR, NXDOMAIN):
            return 0
        if _sort(answer) == "success":
            ttl = min(record.ttl for record in answer.answer)
        else:
            soa = next((r for r in answer.authority if r.type == SOA), None)
            if soa is None:
                return 0
            ttl = min(soa.ttl, int.from_bytes(soa.data[-4:], "big"))
        return min(limits.longest, max(limits.shortest, ttl))


def _key(query: Query) -> Key:
    question = query.question
    dnssec = bool(question.edns and question.edns.dnssec)
    return question.name, question.type, question.cls, dnssec, bool(question.flags & CD)


def _sort(answer: Answer) -> Sort:
    return "success" if answer.answer and answer.rcode == NOERROR else "denial"


def _flat(answer: Answer, ttl: int) -> Answer:
    """Return an answer whose records all have the TTL it is kept for (CoreDNS plugin/cache), and which is ours now."""
    return answer._replace(
        answer=_with(answer.answer, ttl),
        authority=_with(answer.authority, ttl),
        additional=_with(answer.additional, ttl),
        authoritative=False,
        cacheable=False,
    )


def _with(records: tuple[Record, ...], ttl: int) -> tuple[Record, ...]:
    return tuple([Record(name, type, ttl, data) for name, type, _, data in records]) if records else ()


def _capped(answer: Answer, most: int) -> Answer:
    if all(r.ttl <= most for section in (answer.answer, answer.authority, answer.additional) for r in section):
        return answer
    return answer._replace(
        answer=_at_most(answer.answer, most),
        authority=_at_most(answer.authority, most),
        additional=_at_most(answer.additional, most),
    )


def _at_most(records: tuple[Record, ...], ttl: int) -> tuple[Record, ...]:
    return tuple([r._replace(ttl=min(r.ttl, ttl)) for r in records])


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Cache:
    """Make the plugin."""
    return Cache(settings(directive, block), environment)
