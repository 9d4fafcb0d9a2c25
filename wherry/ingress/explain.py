"""What becomes of a URL, and why: server, location, annotations, backend, endpoints, answer. Pure.

Nothing is decided here: which server and location is `route/choice.py`, what a feature answers by itself is said by its
part (`features/`), and the endpoints are those of `route/backend.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final
from urllib.parse import SplitResult, urlsplit

from wherry.ingress.features.annotation import Scope
from wherry.ingress.features.answer import Answer, Asked
from wherry.ingress.features.canary import Split
from wherry.ingress.features.catalog import ANNOTATIONS
from wherry.ingress.features.errors import Errors
from wherry.ingress.features.rewriting import Rewriting
from wherry.ingress.features.satisfy import Satisfy
from wherry.ingress.fronts.gateway.lookup import told
from wherry.ingress.fronts.gateway.routing import Routing
from wherry.ingress.fronts.ingress.annotations import read_policy
from wherry.ingress.fronts.ingress.classes import is_ours
from wherry.ingress.fronts.ingress.snapshot import hosts
from wherry.ingress.options import Options
from wherry.ingress.reading import Reading
from wherry.ingress.route.backend import Backend, BackendRef
from wherry.ingress.route.choice import (
    BadPath,
    ServerChoice,
    lacks_slash,
    location_for,
    normalised,
    passed_for,
    server_for,
)
from wherry.ingress.route.location import Location, Match
from wherry.ingress.route.passed import Passed
from wherry.ingress.route.server import CATCH_ALL, Server
from wherry.objects import Object, metadata
from wherry.objects.family import bracketed
from wherry.objects.meaning.wellknown import INGRESS_CLASS

ACCESS: Final = (302, 401, 403)
"""What nginx answers in its access phase, to which `satisfy` belongs; limits are before it."""


class BadUrl(ValueError):
    """The text is no URL that could be asked for here."""


@dataclass(frozen=True, slots=True)
class InForce:
    """An annotation that decides something here, or a key of the ConfigMap; `source` is the object that has it."""

    name: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What becomes of `url`. `answers`: those given without the endpoint, in their order, the last one for certain.

    `target` is the path the endpoint is asked for. `answers` ends with one of no condition where no endpoint is asked.
    """

    url: str
    server: str
    location: str = ""
    ingress: str = ""
    tls: str = ""
    annotations: tuple[InForce, ...] = ()
    backend: str = ""
    endpoints: tuple[str, ...] = ()
    target: str = ""
    canary: str = ""
    routes: tuple[str, ...] = ()
    """Rules of HTTPRoutes that may take it, the first that fits first, where a Gateway has the path."""
    answers: tuple[Answer, ...] = ()
    problems: tuple[str, ...] = ()


_WHY_SERVER = {
    "exact": "its name",
    "alias": "one of its further names (server-alias)",
    "wildcard": "a wildcard",
    "led": "the name that from-to-www-redirect leads to it",
    "none": "no Ingress that is served has this host: the server for every other name",
}
_WHY_LOCATION = {
    Match.EXACT: "exactly this path",
    Match.PREFIX: "the longest prefix of the path",
    Match.REGEX: "the first pattern that matches, the longest pattern first: use-regex or rewrite-target makes every "
    "path of the host one",
}


def explain(url: str, reading: Reading, options: Options, client: str = "") -> Explanation:
    """Return what becomes of a URL asked for by a client's address ("": anybody's); raises `BadUrl`."""
    parts = _parts(url)
    structure = reading.model.structure
    chosen = server_for(structure, parts.hostname or "")
    server = chosen.server
    said = Explanation(parts.geturl(), f"{server.host} ({_WHY_SERVER[chosen.why]})")
    try:
        asked = _asked(parts, options, client)
    except BadPath as error:
        return replace(said, answers=(Answer(HTTPStatus.BAD_REQUEST, str(error)),))
    if chosen.why == "led":
        to = Answer(308, "from-to-www-redirect", f"{parts.scheme}://{server.host}{asked.uri}")
        return replace(said, answers=(to,))
    through = passed_for(structure, asked.name) if parts.scheme == "https" else None
    if through:
        return _passed(said, through, asked)
    said = replace(said, tls=_tls(reading, chosen) if parts.scheme == "https" else "")
    if server.host == CATCH_ALL and asked.path == "/healthz" and asked.path not in {at.path for at in server.locations}:
        return replace(said, answers=(Answer(200, "what load balancers ask at any address"),))
    location = location_for(server, asked.path)
    return _located(said, reading, options, server, location, asked)


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port
    except ValueError as error:
        raise BadUrl(f"{url!r} is not a URL: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or re.search(r"[\s\x00-\x1f]", url):
        raise BadUrl(f"{url!r} is not a URL such as https://shop.example.com/cart")
    return parts._replace(path=parts.path or "/", fragment="")


def _asked(parts: SplitResult, options: Options, client: str) -> Asked:
    uri = parts.path + (f"?{parts.query}" if parts.query else "")
    host = parts.netloc.rpartition("@")[2].lower()
    secure = f":{options.https_port}" if options.https_port != 443 else ""
    secure = ":8443" if host.endswith(":8080") else secure
    name = host if host.endswith("]") else re.sub(":[0-9]*$", "", host)
    return Asked(parts.scheme, host, name, uri, normalised(parts.path), client, secure)


def _passed(said: Explanation, through: Passed, asked: Asked) -> Explanation:
    """Return what becomes of a connection whose TLS is the endpoint's own."""
    return replace(
        said,
        tls="the endpoint's own: ssl-passthrough",
        backend=f"Service {through.service} (its cluster IP)",
        endpoints=(_address(through.address, through.port),),
        target=asked.uri,
    )


def _tls(reading: Reading, chosen: ServerChoice) -> str:
    certificate = reading.model.certificates.get(chosen.server.host)
    if certificate is None:
        return "the default certificate"
    return f"a certificate for {', '.join(certificate.names)}, until {certificate.expires:%Y-%m-%d}"


def _located(
    said: Explanation, reading: Reading, options: Options, server: Server, at: Location, asked: Asked
) -> Explanation:
    routing = next((part for part in at.parts if isinstance(part, Routing)), None)
    if routing is not None:
        rules = tuple(told(routing.told, asked.scheme, asked.path))
        return replace(said, location=f"{at.path} (a Gateway's)", routes=rules)
    backend = _backend(reading, at)
    why = _WHY_LOCATION[at.match] if at.owner or at.backend else "no rule of the host takes the path"
    return replace(
        said,
        location=f"{at.path} ({why})",
        ingress="/".join(at.owner) if at.owner else "",
        annotations=tuple(_in_force(reading, options, server, at)),
        backend=_named(backend.ref) if backend else "",
        endpoints=tuple(_address(e.address, e.port) for e in backend.endpoints) if backend else (),
        target="" if backend is None else _target(at, asked) if backend.ref == at.backend else "/",
        canary=_canary(at),
        answers=_until_certain(_answers(reading, options, server, at, asked)),
        problems=tuple(_problems(reading, options, server, asked)),
    )


def _named(ref: BackendRef) -> str:
    port = f", port {ref.port}" if ref.port else ""
    return f"Service {ref.namespace}/{ref.service}{port}{' (its cluster IP)' if ref.as_service else ''}"


def _address(address: str, port: int) -> str:
    return f"{bracketed(address)}:{port}"


def _target(at: Location, asked: Asked) -> str:
    """Return the URI the endpoint is asked for."""
    rewriting = next((part for part in at.parts if isinstance(part, Rewriting)), None)
    if rewriting is None:
        return asked.uri
    query = asked.uri.partition("?")[2]
    path = rewriting.applied(at.path, asked.path)
    return f"{path}{'&' if '?' in path else '?'}{query}" if query else path


def _canary(at: Location) -> str:
    split = next((part for part in at.parts if isinstance(part, Split)), None)
    return "" if split is None else split.told()


# What is answered without the endpoint


def _until_certain(answers: Iterator[Answer]) -> tuple[Answer, ...]:
    found: list[Answer] = []
    for answer in answers:
        found.append(answer)
        if not answer.when:
            break
    return tuple(found)


def _answers(reading: Reading, options: Options, server: Server, at: Location, asked: Asked) -> Iterator[Answer]:
    """Yield answers in nginx' order: the server's, the search for the location, the location's, then whom to refuse."""
    settings = reading.model.structure.settings
    own = dict.fromkeys(part for one in server.locations if not one.denied for part in one.parts if not part.host_wide)
    for part in (*settings.everywhere, *server.parts, *own):
        yield from part.server_answers(asked)
    if lacks_slash(server, asked.path):
        _, mark, query = asked.uri.partition("?")
        to = f"{asked.scheme}://{asked.host}{asked.path}/{mark}{query}"
        yield Answer(301, f"nginx leads to the location {asked.path}/", to)
    if settings.denied or at.denied:
        yield Answer(503, settings.denied or at.denied)
    if at.backend is None:
        yield Answer(404, "no rule takes it, and there is no default backend")
    place = at.at(server.host, server.tls)
    for part in at.parts:
        yield from part.answers(place, asked)
    yield from _without_endpoints(reading, at)
    refusals = [answer for part in at.parts for answer in part.refusals(place, asked)]
    satisfy = next((part for part in at.parts if isinstance(part, Satisfy)), None)
    if satisfy:
        told = [answer for answer in refusals if answer.status in ACCESS]
        refusals = [*(answer for answer in refusals if answer.status not in ACCESS), *satisfy.combined(told)]
    yield from refusals


def _without_endpoints(reading: Reading, at: Location) -> Iterator[Answer]:
    backend = _backend(reading, at)
    if backend is not None and not backend.endpoints:
        ref = backend.ref
        why = f"Service {ref.namespace}/{ref.service} has no ready endpoint"
        if backend.trouble or reading.endpoints_known:
            yield Answer(503, backend.trouble[1] if backend.trouble else why)
        else:
            yield Answer(503, "there is no EndpointSlice among these objects", when=why)


def _backend(reading: Reading, at: Location) -> Backend | None:
    """Return who is to answer: the rule's backend, or the default-backend where that has no endpoints."""
    backend = reading.backends.get(at.backend) if at.backend else None
    if backend is None or backend.endpoints:
        return backend
    instead = (part.backend for part in at.parts if isinstance(part, Errors) and part.instead and part.backend)
    return next((reading.backends[BackendRef(*ref)] for ref in instead), backend)


# What is in force, and what is wrong


def _in_force(reading: Reading, options: Options, server: Server, at: Location) -> Iterator[InForce]:
    """Yield the owner's annotations that are honoured, those of others for the whole host, and the ConfigMap's keys."""
    prefix, said = options.annotations_prefix, set()
    for ingress in reading.snapshot.ingresses:
        key = metadata.key(ingress)
        if key != at.owner and (key not in reading.model.ours or not _has(ingress, server.host)):
            continue
        policy, _ = read_policy(metadata.annotations(ingress), prefix)
        for name in sorted(policy.values):
            if key == at.owner or ANNOTATIONS[name].scope is Scope.HOST:
                said.add(name)
                yield InForce(name, metadata.annotations(ingress)[f"{prefix}/{name}"], f"Ingress {'/'.join(key)}")
    config_map = reading.snapshot.config_map
    given = (config_map.get("data") or {}) if config_map and at.owner else {}
    for name in sorted(reading.model.structure.settings.given):
        if name in ANNOTATIONS and name not in said and name in given:
            yield InForce(name, given[name], "the ConfigMap")


def _problems(reading: Reading, options: Options, server: Server, asked: Asked) -> Iterator[str]:
    """Yield what is wrong with Ingresses that have the host, and which of them nobody serves here."""
    names = {server.host, asked.name} - {CATCH_ALL}
    subjects = set()
    for ingress in reading.snapshot.ingresses:
        if not any(_has(ingress, name) for name in names):
            continue
        subject = f"Ingress {'/'.join(metadata.key(ingress))}"
        subjects.add(subject)
        if not is_ours(ingress, reading.snapshot.classes, options.classes):
            yield f"{subject} has this host and is not served: {_class_of(ingress)}"
    yield from (f"{one.subject}: {one.message}" for one in reading.problems if str(one.subject) in subjects)


def _class_of(ingress: Object) -> str:
    named = (ingress.get("spec") or {}).get("ingressClassName")
    named = metadata.annotations(ingress).get(INGRESS_CLASS) or named
    return f"its class {named} is another controller's, or has no IngressClass" if named else "it has no class"


def _has(ingress: Object, host: str) -> bool:
    return ("" if host == CATCH_ALL else host) in hosts(ingress)
