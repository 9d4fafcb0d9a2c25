"""What the directive says; its options are in the README."""

from __future__ import annotations

import ipaddress
import logging
import ssl
from dataclasses import dataclass, field, replace
from pathlib import Path

from wherry.dns.corefile import Directive, Option
from wherry.dns.durations import seconds
from wherry.dns.metrics import RCODES
from wherry.dns.upstream.server import Upstream, Way

log = logging.getLogger(__name__)

PORTS = {"dns": 53, "tls": 853}
POLICIES = ("random", "round_robin", "sequential")
NOT_HERE = {"doh_method", "source_address", "resolver", "max_connect_attempts"}


@dataclass(frozen=True, slots=True)
class Server:
    """An upstream as the directive names it."""

    address: str
    port: int
    tls: bool = False
    server_name: str = ""


@dataclass
class Settings:
    """What the directive asks for."""

    sources: tuple[bytes, ...]
    servers: list[Server]
    excepted: tuple[bytes, ...] = ()
    max_concurrent: int = 0
    policy: str = "random"
    way: Way = field(default_factory=Way)
    server_name: str = ""
    files: tuple[Path, ...] = ()  # certificate and key, authority
    next: frozenset[int] = frozenset()
    next_on_nodata: bool = False
    failover: frozenset[int] = frozenset()

    def upstreams(self) -> list[Upstream]:
        """Return the upstreams, all well; raises OSError for certificates that cannot be used."""
        context = self._context() if any(s.tls for s in self.servers) else None
        return [self._upstream(server, context) for server in self.servers]

    def _upstream(self, server: Server, context: ssl.SSLContext | None) -> Upstream:
        if not server.tls:
            return Upstream(server.address, server.port, self.way)
        name = server.server_name or self.server_name
        return Upstream(server.address, server.port, replace(self.way, context=context, server_name=name))

    def _context(self) -> ssl.SSLContext:
        authority = self.files[-1] if len(self.files) in (1, 3) else None
        context = ssl.create_default_context(cafile=authority)
        if len(self.files) > 1:
            context.load_cert_chain(self.files[0], self.files[1])
        return context


def settings(directive: Directive) -> Settings:
    """Read the directive; raises CorefileError."""
    if len(directive.args) < 2:
        raise directive.error("needs a zone and at least one upstream: forward . /etc/resolv.conf")
    servers = [server for to in directive.args[1:] for server in _servers(to, directive)]
    result = Settings(directive.zones(directive.args[:1]), servers)
    for option in directive.options:
        _read(option, directive, result)
    return result


def _read(option: Option, directive: Directive, result: Settings) -> None:
    match option.name, option.args:
        case "except", words if words:
            result.excepted += directive.zones(words)
        case "max_concurrent", (number,) if number.isdigit():
            result.max_concurrent = int(number)
        case "policy", (policy,) if policy in POLICIES:
            result.policy = policy
        case "tls_servername", (name,):
            result.server_name = name
        case "tls", files if len(files) <= 3:
            result.files = tuple(map(Path, files))
        case "next", codes if codes:
            result.next = _codes(codes, option, directive)
        case "next_on_nodata", ():
            result.next_on_nodata = True
        case "failover", codes if codes and "NOERROR" not in codes:
            result.failover = _codes(codes, option, directive)
        case "failfast_all_unhealthy_upstreams", ():
            pass  # it is what we do anyway
        case name, _ if name in NOT_HERE:
            raise directive.error(f"{option.at}: the option {name} is not supported")
        case _:
            result.way = _way(option, directive, result.way)


def _way(option: Option, directive: Directive, way: Way) -> Way:
    match option.name, option.args:
        case "max_fails", (number,) if number.isdigit():
            return replace(way, most_failures=int(number))
        case "health_check", (duration, *more):
            if more:
                log.warning(
                    "%s: forward: queries are the health checks here: %s does nothing", option.at, " ".join(more)
                )
            return replace(way, rest_seconds=seconds(duration, directive))
        case "force_tcp", ():
            return replace(way, tcp=True)
        case "prefer_udp", ():
            return way  # as it is: over TCP goes what does not fit into a datagram
        case "read_timeout", (duration,):
            return replace(way, read_seconds=seconds(duration, directive))
        case "expire" | "max_age", (duration,):
            return replace(way, idle_seconds=seconds(duration, directive))
        case "max_idle_conns", (number,) if number.isdigit():
            return way  # sockets that are not used are closed soon
        case _:
            raise directive.unknown(option)


def _codes(codes: tuple[str, ...], option: Option, directive: Directive) -> frozenset[int]:
    if not all(code in RCODES for code in codes):
        raise directive.unknown(option)
    return frozenset(RCODES.index(code) for code in codes)


def _servers(to: str, directive: Directive) -> list[Server]:
    """Return the upstreams of one word: `[dns://|tls://]ADDRESS[:PORT][%NAME]`, or a file like resolv.conf."""
    scheme, separator, rest = to.partition("://")
    scheme, rest = (scheme, rest) if separator else ("dns", to)
    if scheme not in PORTS:
        raise directive.error(f"{to}: {scheme}:// is not supported; dns:// and tls:// are")
    if "/" in rest and not separator:
        return _of_file(rest, directive)
    where, _, name = rest.partition("%") if scheme == "tls" else (rest, "", "")
    host, port = _split(where, PORTS[scheme])
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError as error:
        raise directive.error(f"{to} is neither an address nor a file like /etc/resolv.conf") from error
    if not 0 < port < 65536:
        raise directive.error(f"{to}: {port} is not a port")
    return [Server(host, port, scheme == "tls", name)]


def _split(text: str, default: int) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if colon and port.isdigit() and (":" not in host or host.startswith("[")):
        return host.strip("[]"), int(port)
    return text.strip("[]"), default


def _of_file(path: str, directive: Directive) -> list[Server]:
    """Return the name servers of a resolv.conf."""
    try:
        lines = Path(path).read_text(errors="replace").splitlines()
    except OSError as error:
        raise directive.error(f"{path}: {error.strerror}") from error
    words = [line.split() for line in lines]
    found = [Server(w[1], 53) for w in words if w[:1] == ["nameserver"] and len(w) > 1]
    if not found:
        log.warning("forward: %s names no server: what is forwarded there cannot be answered", path)
    return found
