"""forward FROM TO...: asks upstream servers: addresses, or those of a resolv.conf file.

forward . /etc/resolv.conf {
    except NAMES...            not these
    max_concurrent N           more queries at once are refused (default: no limit)
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
from dataclasses import dataclass, field
from pathlib import Path

import dns.asyncquery
import dns.exception
import dns.message
import dns.name
import dns.rcode

from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.query import Answer, Handler, Query, Quiet, respond

log = logging.getLogger(__name__)

UPSTREAM_SECONDS = 2.0
TOTAL_SECONDS = 5.0
IGNORED = {"expire", "max_fails", "health_check", "max_idle_conns"}  # tuning of connections we do not keep
POLICIES = ("random", "round_robin", "sequential")


@dataclass
class Settings:
    """What the directive asks for; upstreams are (address, port)."""

    source: dns.name.Name
    upstreams: list[tuple[str, int]]
    excepted: list[dns.name.Name] = field(default_factory=list)
    max_concurrent: int = 0
    policy: str = "random"
    tcp: bool = False


def settings(directive: Directive) -> Settings:
    """Read the directive; raises CorefileError."""
    if len(directive.args) < 2:
        raise directive.error("needs a zone and at least one upstream: forward . /etc/resolv.conf")
    upstreams = [u for to in directive.args[1:] for u in _upstreams(to, directive)]
    result = Settings(dns.name.from_text(directive.args[0]), upstreams)
    for option in directive.options:
        match option.name, option.args:
            case "except", names if names:
                result.excepted += [dns.name.from_text(n) for n in names]
            case "max_concurrent", (number,) if number.isdigit():
                result.max_concurrent = int(number)
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


def _upstreams(to: str, directive: Directive) -> list[tuple[str, int]]:
    if to.startswith("/"):
        try:
            lines = Path(to).read_text().splitlines()
        except OSError as error:
            raise directive.error(f"{to}: {error.strerror}") from error
        return [(words[1], 53) for words in map(str.split, lines) if words[:1] == ["nameserver"] and len(words) > 1]
    if "://" in to and not to.startswith("dns://"):
        raise directive.error(f"{to}: only plain dns:// upstreams are supported yet")
    text = to.removeprefix("dns://")
    host, _, port = text.rpartition(":") if text.count(":") == 1 else (text, "", "53")
    try:
        return [(str(ipaddress.ip_address(host.strip("[]"))), int(port))]
    except ValueError as error:
        raise directive.error(f"{to} is neither an address nor a file") from error


class Forward(Quiet):
    """The plugin."""

    def __init__(self, wanted: Settings, environment: Environment):
        self._settings = wanted
        self._metrics = environment.metrics
        self._turn = itertools.count()
        self._running = 0

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Ask upstream, one after the other until one answers."""
        wanted = self._settings
        if not query.name.is_subdomain(wanted.source) or any(query.name.is_subdomain(z) for z in wanted.excepted):
            return await next(query)
        if not wanted.upstreams:
            return Answer(respond(query, dns.rcode.SERVFAIL))
        if wanted.max_concurrent and self._running >= wanted.max_concurrent:
            return Answer(respond(query, dns.rcode.REFUSED))
        self._running += 1
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                return Answer(await self._ask(query))
        except TimeoutError:
            return Answer(respond(query, dns.rcode.SERVFAIL))
        finally:
            self._running -= 1

    async def _ask(self, query: Query) -> dns.message.Message:
        for address, port in self._ordered():
            to = f"{address}:{port}"
            self._metrics.forwarded.labels(to).inc()
            try:
                response = await self._exchange(query.message, address, port)
            except (OSError, dns.exception.DNSException, EOFError) as error:
                self._metrics.forward_failures.labels(to).inc()
                log.info("upstream failed", extra={"upstream": to, "error": str(error) or type(error).__name__})
                continue
            response.id = query.message.id
            return response
        return respond(query, dns.rcode.SERVFAIL)

    async def _exchange(self, message: dns.message.Message, address: str, port: int) -> dns.message.Message:
        if self._settings.tcp:
            return await dns.asyncquery.tcp(message, address, timeout=UPSTREAM_SECONDS, port=port)
        response, _ = await dns.asyncquery.udp_with_fallback(message, address, timeout=UPSTREAM_SECONDS, port=port)
        return response

    def _ordered(self) -> list[tuple[str, int]]:
        upstreams = list(self._settings.upstreams)
        if self._settings.policy == "random":
            random.shuffle(upstreams)
        elif self._settings.policy == "round_robin":
            first = next(self._turn) % len(upstreams)
            upstreams = upstreams[first:] + upstreams[:first]
        return upstreams


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Forward:
    """Make the plugin."""
    return Forward(settings(directive), environment)
