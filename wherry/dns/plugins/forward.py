"""forward FROM TO...: asks upstream servers: addresses, or those of a resolv.conf file.

forward . /etc/resolv.conf {
    except NAMES...            not these
    max_concurrent N           more queries at once are refused (default: no limit)
    max_fails N                failures in a row after which an upstream rests (default 2; 0: never)
    health_check DURATION      how long it rests (default 0.5s)
    policy random|round_robin|sequential
    prefer_udp | force_tcp
}
"""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import logging
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import dns.name
import dns.rcode

from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.durations import seconds
from wherry.dns.query import Answer, Handler, Query, Quiet, respond
from wherry.dns.upstream import Upstream, UpstreamError

log = logging.getLogger(__name__)

TOTAL_SECONDS = 5.0
IGNORED = {"expire", "max_idle_conns"}  # tuning of connections we do not keep
POLICIES = ("random", "round_robin", "sequential")


@dataclass
class Settings:
    """What the directive asks for; addresses are (address, port)."""

    sources: tuple[dns.name.Name, ...]
    addresses: list[tuple[str, int]]
    excepted: list[dns.name.Name] = field(default_factory=list)
    max_concurrent: int = 0
    policy: str = "random"
    tcp: bool = False
    max_fails: int = 2
    rest_seconds: float = 0.5

    def upstreams(self) -> list[Upstream]:
        """Return the upstreams, all well."""
        return [
            Upstream(address, port, tcp=self.tcp, most_failures=self.max_fails, rest_seconds=self.rest_seconds)
            for address, port in self.addresses
        ]


def settings(directive: Directive) -> Settings:
    """Read the directive; raises CorefileError."""
    if len(directive.args) < 2:
        raise directive.error("needs a zone and at least one upstream: forward . /etc/resolv.conf")
    addresses = [address for to in directive.args[1:] for address in _addresses(to, directive)]
    result = Settings(directive.zones(directive.args[:1]), addresses)
    for option in directive.options:
        match option.name, option.args:
            case "except", names if names:
                result.excepted += directive.zones(names)
            case "max_concurrent", (number,) if number.isdigit():
                result.max_concurrent = int(number)
            case "max_fails", (number,) if number.isdigit():
                result.max_fails = int(number)
            case "health_check", (duration, *_):
                result.rest_seconds = seconds(duration, directive)
            case "policy", (policy,) if policy in POLICIES:
                result.policy = policy
            case "force_tcp", ():
                result.tcp = True
            case "prefer_udp", ():
                pass  # what we do
            case name, _ if name in IGNORED:
                log.warning("forward: %s has no effect here: each query uses a socket of its own", name)
            case name, args:
                raise directive.error(f"line {option.line}: cannot read {' '.join((name, *args))}")
    return result


def _addresses(to: str, directive: Directive) -> list[tuple[str, int]]:
    if to.startswith("/"):
        return _of_file(to, directive)
    if "://" in to and not to.startswith("dns://"):
        raise directive.error(f"{to}: only plain dns:// upstreams are supported yet")
    host, port = _split(to.removeprefix("dns://"))
    try:
        if not 0 < port < 65536:
            raise ValueError(port)
        return [(str(ipaddress.ip_address(host)), port)]
    except ValueError as error:
        raise directive.error(f"{to} is neither an address nor a file") from error


def _split(text: str) -> tuple[str, int]:
    """Return the host and port of `1.2.3.4[:PORT]`, `fd00::1` or `[fd00::1][:PORT]`."""
    host, colon, port = text.rpartition(":")
    if colon and port.isdigit() and (":" not in host or host.startswith("[")):
        return host.strip("[]"), int(port)
    return text.strip("[]"), 53


def _of_file(path: str, directive: Directive) -> list[tuple[str, int]]:
    """Return the name servers of a resolv.conf."""
    try:
        lines = Path(path).read_text(errors="replace").splitlines()
    except OSError as error:
        raise directive.error(f"{path}: {error.strerror}") from error
    words = [line.split() for line in lines]
    found = [(w[1], 53) for w in words if w[:1] == ["nameserver"] and len(w) > 1]
    if not found:
        log.warning("forward: %s names no server: what is forwarded there cannot be answered", path)
    return found


MANY = True
"""A server block may have several."""


class Forward(Quiet):
    """The plugin."""

    def __init__(self, wanted: Settings, environment: Environment):
        self._settings = wanted
        self._upstreams = wanted.upstreams()
        self._metrics = environment.metrics
        self._turn = itertools.count()
        self._running = 0

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Ask upstream, one after the other until one answers; at once SERVFAIL while all of them rest."""
        wanted = self._settings
        if not _below(query.name, wanted.sources) or _below(query.name, wanted.excepted):
            return await next(query)
        if wanted.max_concurrent and self._running >= wanted.max_concurrent:
            self._metrics.forward_rejected.inc()
            return Answer(respond(query, dns.rcode.REFUSED))
        self._running += 1
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                return await self._ask(query)
        except TimeoutError:
            return Answer(respond(query, dns.rcode.SERVFAIL), cacheable=True)
        finally:
            self._running -= 1

    async def _ask(self, query: Query) -> Answer:
        asked = False
        for upstream in self._ordered():
            if not upstream.take():
                continue
            asked = True
            self._metrics.forwarded.labels(str(upstream)).inc()
            try:
                return Answer(await upstream.ask(query.message), cacheable=True)
            except UpstreamError:
                self._metrics.forward_failures.labels(str(upstream)).inc()
        if not asked:
            self._metrics.forward_broken.inc()
        return Answer(respond(query, dns.rcode.SERVFAIL), cacheable=asked)

    def _ordered(self) -> list[Upstream]:
        upstreams = list(self._upstreams)
        if self._settings.policy == "random":
            random.shuffle(upstreams)
        elif self._settings.policy == "round_robin" and upstreams:
            first = next(self._turn) % len(upstreams)
            upstreams = upstreams[first:] + upstreams[:first]
        return upstreams


def _below(name: dns.name.Name, zones: Iterable[dns.name.Name]) -> bool:
    return any(name.is_subdomain(zone) for zone in zones)


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Forward:
    """Make the plugin."""
    return Forward(settings(directive), environment)
