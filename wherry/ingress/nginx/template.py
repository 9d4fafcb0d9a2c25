"""The text of nginx.conf for a `Structure`. Pure: equal structures give equal text, to the byte."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib import resources

from jinja2 import Environment, StrictUndefined, Template

from wherry.ingress.features import proxied
from wherry.ingress.features.directive import Line
from wherry.ingress.nginx import parts
from wherry.ingress.nginx.lines import written
from wherry.ingress.nginx.quote import literal, quote
from wherry.ingress.nginx.runtime import Runtime
from wherry.ingress.route.location import Location, Match
from wherry.ingress.route.model import Structure
from wherry.ingress.route.server import CATCH_ALL, Server
from wherry.ingress.settings import Settings
from wherry.objects.family import bracketed

_MARK = "@checksum@"


def render(structure: Structure | None, runtime: Runtime) -> str:
    """Return nginx.conf; without a structure, one that has only the control socket and serves nobody yet."""
    whole = structure or Structure()
    text = _template(runtime).render(
        servers=whole.servers,
        headers=proxied.common(parts.common_headers(whole.settings)),
        http_lines=parts.http_lines(whole),
        streams=whole.streams,
        passing=whole.passing,
        passed=whole.passed,
        settings=whole.settings,
        runtime=runtime,
        checksum=_MARK,
    )
    return text.replace(_MARK, hashlib.sha256(text.encode()).hexdigest())


def checksum(conf: str) -> str:
    """Return the checksum written in a rendered nginx.conf: what the control socket answers once it is in force."""
    return conf.partition("# checksum ")[2][:64]


@cache
def _template(runtime: Runtime) -> Template:
    environment = Environment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # nginx.conf is not HTML; every value goes through `quote` or `literal`
    )
    filters = (
        literal, server_name, names, sni, match, route, bracketed, names_size, access_log,
        parts.server_lines, parts.location_lines,
    )  # fmt: skip

    def lines(given: Iterable[Line], depth: int) -> str:
        return "\n".join(written(given, runtime, depth))

    environment.filters.update({"q": quote, "lines": lines, **{f.__name__: f for f in filters}})
    source = resources.files("wherry.ingress.nginx").joinpath("nginx.conf.j2").read_text()
    return environment.from_string(source)


def server_name(host: str) -> str:
    """Return a host as `server_name` takes it. A wildcard stands for one label, so it is a pattern."""
    if host.startswith("*."):
        return quote("~^[^.]+" + host[1:].replace(".", "\\.") + "$")
    return quote(host)


def sni(host: str) -> str:
    """Return a host as a key of a `map` of names."""
    return server_name(host) if host.startswith("*.") else literal(host)


def names(server: Server) -> str:
    """Return all of a server's names; nginx' own wildcards stand for any number of labels."""
    if server.deep and server.host.startswith("*."):
        return quote(server.host)
    return " ".join(map(server_name, (server.host, *server.aliases)))


def match(location: Location) -> str:
    """Return the modifier and path of a `location` block."""
    if location.match is Match.REGEX:
        return f"~* {quote('^' + location.path)}"
    return ("= " if location.match is Match.EXACT else "") + quote(location.path)


def route(location: Location, server: Server) -> str:
    """Return the labels a request is counted under: host, namespace, Ingress, Service, separated by blanks."""
    namespace, ingress = location.owner or ("-", "-")
    host = "-" if server.host == CATCH_ALL else server.host
    return literal(f"{host} {namespace} {ingress} {location.backend.service if location.backend else '-'}")


def access_log(settings: Settings, runtime: Runtime) -> str:
    """Return where requests are logged, and how."""
    common = settings.common
    place = common["http-access-log-path"] or common["access-log-path"] or runtime.access_log
    if common["enable-syslog"] and common["syslog-host"]:
        place = f"syslog:server={common['syslog-host']}:{common['syslog-port']}"
    if common["disable-access-log"] or place in ("", "off"):
        return "off"
    skips = ["if=$loggable"] if common["skip-access-log-urls"] else []
    return " ".join((literal(place), "upstreaminfo", *common["access-log-params"], *skips))


def names_size(servers: tuple[Server, ...]) -> int:
    """Return a size for the hash of server names: a power of two with room to spare."""
    return max(1024, 1 << (2 * len(servers)).bit_length())
