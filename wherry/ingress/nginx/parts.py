"""Where the parts of locations go: into http, the server, the location. And the files they need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from wherry.ingress.features import proxied
from wherry.ingress.features.directive import Line, Text, line
from wherry.ingress.features.part import At, Part
from wherry.ingress.nginx.errors import ConfigRefused
from wherry.ingress.nginx.lines import file_name, files
from wherry.ingress.route.location import Location
from wherry.ingress.route.model import Structure
from wherry.ingress.route.server import Server
from wherry.ingress.settings import Settings


def http_lines(structure: Structure) -> list[Line]:
    """Return what stands outside of all servers, each once."""
    parts = dict.fromkeys((*structure.settings.everywhere, *(p for _, at in _open(structure) for p in at.parts)))
    return list(dict.fromkeys(one for part in parts for one in _of(part, part.http)))


def server_lines(server: Server, settings: Settings) -> list[Line]:
    """Return what stands in the server outside of its locations, and its internal locations."""
    found = [one for part in settings.everywhere for one in _of(part, part.server)]
    own = dict.fromkeys(p for at in server.locations if not at.denied for p in at.parts if not p.host_wide)
    found += [one for part in (*server.parts, *own) for one in _of(part, part.server)]
    for at in server.locations:
        if not at.denied and not settings.denied:
            place = _at(at, server)
            found += [one for part in at.parts for one in _of(part, partial(part.beside, place))]
    return list(dict.fromkeys(found))


def common_headers(settings: Settings) -> dict[str, Text]:
    """Return the request headers that the settings add for everybody."""
    return {name: value for part in settings.everywhere for name, value in part.headers().items()}


def location_lines(at: Location, server: Server, settings: Settings) -> list[Line]:
    """Return what stands in the location, but for its name and its backend's."""
    place, found = _at(at, server), []
    if any(part.data(place) for part in at.parts):
        found.append(line("set", Text("$policy"), place.id))
    own = {name: value for part in at.parts for name, value in part.headers().items()}
    for part in at.parts:
        lines = _of(part, partial(part.location, place))
        if any(one.words[0] in ("proxy_pass", "grpc_pass") for one in lines) and own:
            more = proxied.over(common_headers(settings), own)
            found += proxied.own(more, any(one.words[0] == "grpc_pass" for one in lines))
        found += lines
    return found


def file_contents(structure: Structure) -> dict[str, str]:
    """Return the files that a configuration names, by name."""
    lines = [*http_lines(structure)]
    for server in structure.servers:
        lines += server_lines(server, structure.settings)
        lines += [
            one for at in server.locations if not at.denied for one in location_lines(at, server, structure.settings)
        ]
    return {file_name(file): file.content for file in files(lines)}


def _open(structure: Structure) -> Iterator[tuple[Server, Location]]:
    return ((server, at) for server in structure.servers for at in server.locations if not at.denied)


def _at(at: Location, server: Server) -> At:
    return at.at(server.host, server.tls)


def _of(part: Part, say: Callable[[], Iterable[Line]]) -> list[Line]:
    """Return what a part says; raises `ConfigRefused` for whatever goes wrong, so that its Ingress is found by it."""
    try:
        return list(say())
    except Exception as error:
        raise ConfigRefused(f"wherry fails on {type(part).__name__}: {error!r}") from error
