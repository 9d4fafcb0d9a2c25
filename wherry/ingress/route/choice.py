"""Which server and which location nginx takes for a request: its own rules, told beforehand.

Names: exact ones, then nginx' own wildcards, the longest first, then patterns in the order of the file
(`ngx_http_find_virtual_server`). Paths: exact, else the
longest prefix, unless a pattern matches, the first one of the file (`ngx_http_core_find_location`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from wherry.ingress.route.location import Location, Match
from wherry.ingress.route.model import Structure
from wherry.ingress.route.passed import Passed
from wherry.ingress.route.server import CATCH_ALL, Server


class BadPath(ValueError):
    """The path leads above the root: nginx answers 400."""


@dataclass(frozen=True, slots=True)
class ServerChoice:
    """A server, and why: `exact`, `alias`, `wildcard`, `none` (no other has the name), or `led`: a redirect to it."""

    server: Server
    why: str


def server_for(structure: Structure, host: str) -> ServerChoice:
    """Return the server for a host's name, in lower case and without port."""
    for server in structure.servers:
        if host == server.host != CATCH_ALL:
            return ServerChoice(server, "exact")
        if host in server.aliases:
            return ServerChoice(server, "alias")
        if server.led_here and host == server.led_here:
            return ServerChoice(server, "led")
    deep = [one for one in structure.servers if one.deep and one.host.startswith("*.") and host.endswith(one.host[1:])]
    if deep:
        return ServerChoice(max(deep, key=lambda one: len(one.host)), "wildcard")
    for server in structure.servers:
        if any(_covers(name, host) for name in (server.host, *server.aliases)):
            return ServerChoice(server, "wildcard")
    return ServerChoice(next(server for server in structure.servers if server.host == CATCH_ALL), "none")


def passed_for(structure: Structure, host: str) -> Passed | None:
    """Return to where connections with this name in their SNI are passed on as they are, None for nowhere."""
    exact = (one for one in structure.passed if host in one.names)
    wild = (one for one in structure.passed if any(_covers(name, host) for name in one.names))
    return next(exact, None) or next(wild, None)


def _covers(wildcard: str, host: str) -> bool:
    """Whether a wildcard, which stands for one label, is for a host."""
    first, _, rest = host.partition(".")
    return wildcard.startswith("*.") and bool(first) and rest == wildcard[2:]


def normalised(path: str) -> str:
    """Return a path as nginx compares it: decoded, slashes merged, dots resolved; raises `BadPath`."""
    found: list[str] = []
    names = re.sub("/+", "/", unquote(path, errors="replace")).split("/")
    for name in names[1:]:
        if name == ".." and not found:
            raise BadPath(f"{path} leads above the root")
        if name == "..":
            found.pop()
        elif name != ".":
            found.append(name)
    end = [""] if names[-1] in (".", "..") else []
    return "/" + "/".join([*found, *end])


def location_for(server: Server, path: str) -> Location:
    """Return the location for a normalised path."""
    exact = next((at for at in server.locations if at.match is Match.EXACT and at.path == path), None)
    if exact:
        return exact
    for at in server.locations:
        if at.match is Match.REGEX and re.match(at.path, path, re.IGNORECASE):
            return at
    prefixes = [at for at in server.locations if at.match is Match.PREFIX and path.startswith(at.path)]
    return max(prefixes, key=lambda at: len(at.path))


def lacks_slash(server: Server, path: str) -> bool:
    """Whether nginx leads from `path` to a location `path/`: it does where that one passes requests on."""
    return any(
        at.path == f"{path}/" and at.match is not Match.REGEX and at.backend is not None and not at.denied
        for at in server.locations
    ) and not any(at.path == path and at.match is not Match.REGEX for at in server.locations)
