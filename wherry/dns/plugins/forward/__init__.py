"""forward FROM TO...: asks upstream servers: addresses, or those of a resolv.conf file."""

from __future__ import annotations

import itertools
import random
import time

from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.metrics import rcode_label
from wherry.dns.plugins.forward.settings import Settings, settings
from wherry.dns.query import NXDOMAIN, REFUSED, SERVFAIL, Answer, Handler, Query, Quiet
from wherry.dns.tally import Number, Observed
from wherry.dns.upstream.errors import UpstreamError
from wherry.dns.upstream.server import Upstream
from wherry.dns.wire.question import AA, AD
from wherry.dns.wire.record import AAAA, A
from wherry.dns.wire.response import Response

TOTAL_SECONDS = 5.0
MANY = True
"""A server block may have several."""


class Forward(Quiet):
    """The plugin."""

    def __init__(self, wanted: Settings, environment: Environment):
        self._settings = wanted
        self._upstreams = wanted.upstreams()
        self._metrics = environment.metrics
        self._names = {upstream: str(upstream) for upstream in self._upstreams}
        self._why = {upstream: f"upstream {name} said so" for upstream, name in self._names.items()}
        self._forwarded = {u: environment.metrics.forwarded.labels(name) for u, name in self._names.items()}
        self._by_rcode: dict[tuple[str, int], tuple[Number, Observed]] = {}
        self._turn = itertools.count()
        self._running = 0

    async def stop(self) -> None:
        """Close what is kept open."""
        for upstream in self._upstreams:
            upstream.close()

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Ask upstream, one after the other until one answers; at once SERVFAIL while all of them rest."""
        wanted = self._settings
        if not query.zone_of(wanted.sources) or (wanted.excepted and query.zone_of(wanted.excepted)):
            return await next(query)
        if wanted.max_concurrent and self._running >= wanted.max_concurrent:
            self._metrics.forward_rejected.inc()
            return Answer(REFUSED, why=f"more than {wanted.max_concurrent} forwarded queries are under way")
        self._running += 1
        try:
            answer = await self._ask(query)
        finally:
            self._running -= 1
        if answer.rcode == SERVFAIL and not answer.cacheable and _is_short(query):
            return Answer(NXDOMAIN, why=f"{answer.why}; and names of one label are in no other zone")
        nodata = wanted.next_on_nodata and not answer.rcode and not answer.answer
        return await next(query) if nodata or answer.rcode in wanted.next else answer

    async def _ask(self, query: Query) -> Answer:
        deadline = time.monotonic() + TOTAL_SECONDS
        last = Answer(SERVFAIL, why="every upstream rests after failures")
        asked = False
        for upstream in self._ordered():
            if not upstream.take():
                continue
            asked = True
            last = await self._one(upstream, query)
            if last.cacheable and last.rcode not in self._settings.failover:
                return last
            if time.monotonic() > deadline:
                break
        if not asked:
            self._metrics.forward_broken.inc()
        return last

    async def _one(self, upstream: Upstream, query: Query) -> Answer:
        """Ask one upstream. Its answer may be cached; our own failure may not."""
        start, name = time.perf_counter(), self._names[upstream]
        self._forwarded[upstream].inc()
        try:
            response = await upstream.ask(query)
        except UpstreamError as error:
            self._metrics.forward_failures.labels(name).inc()
            return Answer(SERVFAIL, why=str(error))
        responses, seconds = self._counters(name, response.rcode)
        responses.inc()
        seconds.add(time.perf_counter() - start)
        return _answer(response, self._why[upstream])

    def _counters(self, name: str, rcode: int) -> tuple[Number, Observed]:
        found = self._by_rcode.get((name, rcode))
        if found is None:
            label, metrics = rcode_label(rcode), self._metrics
            found = metrics.forward_responses.labels(name, label), metrics.proxy_seconds.labels("forward", name, label)
            self._by_rcode[name, rcode] = found
        return found

    def _ordered(self) -> list[Upstream]:
        if len(self._upstreams) == 1:
            return self._upstreams
        upstreams = list(self._upstreams)
        if self._settings.policy == "random":
            random.shuffle(upstreams)
        elif self._settings.policy == "round_robin" and upstreams:
            first = next(self._turn) % len(upstreams)
            upstreams = upstreams[first:] + upstreams[:first]
        return upstreams


def _is_short(query: Query) -> bool:
    """Whether addresses of a name of one label are asked for: there are none, so nobody need ask again."""
    return len(query.above) == 2 and query.type in (A, AAAA)


def _answer(response: Response, why: str) -> Answer:
    return Answer(
        response.rcode,
        response.answer,
        response.authority,
        response.additional,
        bool(response.flags & AA),
        bool(response.flags & AD),
        cacheable=True,
        why=why,
    )


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Forward:
    """Make the plugin; raises CorefileError."""
    try:
        return Forward(settings(directive), environment)
    except OSError as error:
        raise directive.error(f"tls: {error}") from error
