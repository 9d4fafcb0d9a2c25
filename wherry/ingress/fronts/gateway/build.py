"""Gateways beside Ingresses: `add`.

A host that Ingresses serve keeps their paths; a Gateway gets what they leave. nginx listens on one pair of ports, so
Gateways share it, and those that have a hostname in common share its requests.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any, Final

from wherry.ingress.features import catalog
from wherry.ingress.features.part import Sources
from wherry.ingress.features.policy import Policy
from wherry.ingress.fronts.gateway import status
from wherry.ingress.fronts.gateway.attachment import Attachment, attachments
from wherry.ingress.fronts.gateway.condition import ACCEPTED, Condition
from wherry.ingress.fronts.gateway.hostname import ANY, covering
from wherry.ingress.fronts.gateway.listener import Listener, listeners
from wherry.ingress.fronts.gateway.resources import CLASSES, CONTROLLER, GATEWAYS, ROUTES
from wherry.ingress.fronts.gateway.routing import Routing
from wherry.ingress.fronts.gateway.rule import Rule, rules
from wherry.ingress.fronts.gateway.snapshot import Gateways, Others, Ports
from wherry.ingress.fronts.gateway.table import Entry, table
from wherry.ingress.route import problem
from wherry.ingress.route.backend import BackendRef
from wherry.ingress.route.certificate import Certificate
from wherry.ingress.route.data import data
from wherry.ingress.route.location import Location, Match, in_order
from wherry.ingress.route.model import Model
from wherry.ingress.route.problem import Key, Problem, Subject
from wherry.ingress.route.server import CATCH_ALL, Server
from wherry.ingress.settings import Settings
from wherry.objects import Object, metadata

Statuses = dict[tuple[str, Key], Any]
"""By kind and key."""
HOST: Final = re.compile(r"(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", re.ASCII)
"""What may stand in nginx.conf as a name; the CRDs' own rule for hostnames."""
NOBODY: Final = BackendRef("-", "-", "")
"""The backend until Lua has found one."""


_Place = tuple[str, str, str]
"""A scheme, a listener's hostname, and the one it has in common with a route."""


@dataclass(frozen=True)
class _Route:
    obj: Object
    attachments: Sequence[Attachment]
    rules: Sequence[Rule]
    accepted: Sequence[Attachment]


@dataclass
class _World:
    """All Gateways of ours with their listeners, and the routes with what they are attached to."""

    gateways: dict[Key, Object] = field(default_factory=dict)
    refused: dict[Key, Condition] = field(default_factory=dict)
    listeners: dict[Key, list[Listener]] = field(default_factory=dict)
    routes: list[_Route] = field(default_factory=list)

    def serving(self) -> list[Listener]:
        """Return the listeners that get requests."""
        return [one for key, found in self.listeners.items() if key not in self.refused for one in found if one.serves]


def add(model: Model, gateways: Gateways, others: Others, ports: Ports) -> Model:
    """Return the model with what Gateways ask for. Pure: equal input, equal model."""
    ours = {
        metadata.key(c)[1]: c for c in gateways.classes if (c.get("spec") or {}).get("controllerName") == CONTROLLER
    }
    if not ours:
        return model
    world = _world(set(ours), gateways, others, ports)
    hosts = _servers(world)
    taken = {server.host: owner for server in model.structure.servers if (owner := _owner(server))}
    free = {host: routing for host, routing in hosts.items() if (host or CATCH_ALL) not in taken}
    structure = replace(model.structure, servers=_merged(model.structure.servers, free, model.structure.settings))
    refs = {ref for route in world.routes if route.accepted for rule in route.rules for ref in rule.refs}
    return replace(
        model,
        structure=structure,
        routes=data(structure),
        certificates={**_certificates(world.serving()), **model.certificates},
        backends=model.backends | refs,
        users={**dict.fromkeys(refs, ()), **model.users},
        statuses=_statuses(ours, world, gateways.addresses),
        problems=(*model.problems, *_lost(world, taken)),
    )


def _world(classes: set[str], gateways: Gateways, others: Others, ports: Ports) -> _World:
    world = _World()
    for gateway in gateways.gateways:
        spec, key = gateway.get("spec") or {}, metadata.key(gateway)
        if spec.get("gatewayClassName") in classes:
            world.gateways[key] = gateway
            world.listeners[key] = listeners(gateway, gateways, others, ports)
            if why := _refusal(spec):
                world.refused[key] = why
    reachable = {key: [] if key in world.refused else found for key, found in world.listeners.items()}
    for route in gateways.routes:
        attached = list(attachments(route, reachable, gateways))
        if attached or status.is_told(route):
            made = rules(route, gateways, others)
            accepted = [one for one in attached if status.accepted(one, made).status]
            world.routes.append(_Route(route, attached, made, accepted))
    return world


def _refusal(spec: Mapping[str, Any]) -> Condition | None:
    """Return why a Gateway as a whole is not accepted, None if it is."""
    if spec.get("addresses"):
        return Condition(ACCEPTED, False, "UnsupportedAddress", "spec.addresses: addresses cannot be asked for")
    if (spec.get("infrastructure") or {}).get("parametersRef"):
        return Condition(ACCEPTED, False, "InvalidParameters", "spec.infrastructure.parametersRef is not supported")
    return None


# Servers


def _servers(world: _World) -> dict[str, Routing]:
    """Return, by host, what leads its requests."""
    serving = {(one.scheme, one.hostname) for one in world.serving()}
    entries: defaultdict[_Place, dict[Key, Entry]] = defaultdict(dict)
    hosts = {hostname for _, hostname in serving}
    for route in world.routes:
        key, age = metadata.key(route.obj), metadata.age(route.obj)
        for attached in route.accepted:
            for listener, names in attached.listeners:
                for name in names if listener.serves else ():
                    entry = Entry(listener.scheme, name, age, route.rules)
                    entries[listener.scheme, listener.hostname, name][key] = entry
                    hosts.add(name)
    return {host: _routing(host, serving, entries) for host in hosts if host == ANY or HOST.fullmatch(host)}


def _routing(host: str, serving: Set[tuple[str, str]], entries: Mapping[_Place, Mapping[Key, Entry]]) -> Routing:
    """Return what leads the requests of one host: by rules of the listeners that mean it, not of wider ones."""
    found: list[Entry] = []
    names = list(covering(host))
    for scheme in ("http", "https"):
        narrowest = next((name for name in names if (scheme, name) in serving), None)
        if narrowest is not None:
            found += [entry for name in names for entry in entries.get((scheme, narrowest, name), {}).values()]
    told = table(found)
    mirrors = max((len(actions.get("mirrors") or ()) for actions in told["rules"]), default=0)
    return Routing(mirrors, told)


def _owner(server: Server) -> Key | None:
    """Return the Ingress that has all of a host which no other path takes."""
    return next((at.owner for at in server.locations if at.path == "/" and at.match is Match.PREFIX), None)


def _merged(servers: tuple[Server, ...], hosts: Mapping[str, Routing], settings: Settings) -> tuple[Server, ...]:
    """Return the servers of both fronts; a Gateway gets the paths that are nobody's yet."""
    there = {server.host: server for server in servers}
    for host, routing in hosts.items():
        name = host or CATCH_ALL
        before = there.get(name) or Server(name, False, (), deep=True)
        rest = (at for at in before.locations if at.path != "/" or at.match is not Match.PREFIX)
        there[name] = replace(before, locations=in_order((*rest, _location(routing, settings))))
    return tuple(server for _, server in sorted(there.items()))


def _location(routing: Routing, settings: Settings) -> Location:
    """Return the one location of a host: with what the settings say for everybody, and the table."""
    policy = Policy(common={**settings.common, "ssl-redirect": False})
    *usual, passing = catalog.parts(policy, Sources())[0]
    return Location("/", Match.PREFIX, NOBODY, parts=(*usual, routing, passing))


def _certificates(serving: Iterable[Listener]) -> dict[str, Certificate]:
    """Return the certificates by host; where two Gateways have one for a host, the first counts."""
    found: dict[str, Certificate] = {}
    for one in serving:
        if one.scheme == "https" and one.certificate is not None:
            found.setdefault(one.hostname or CATCH_ALL, one.certificate)
    return dict(sorted(found.items()))


# What is said of it


def _lost(world: _World, taken: Mapping[str, Key]) -> Iterator[Problem]:
    """Yield which routes get nothing of a host, as an Ingress has it."""
    for route in world.routes:
        names = {name for one in route.accepted for _, found in one.listeners for name in found}
        for host in sorted({name or CATCH_ALL for name in names} & taken.keys()):
            subject = Subject.of(route.obj, ROUTES.api_version, ROUTES.kind)
            owner = "/".join(taken[host])
            what = "every other host" if host == CATCH_ALL else f"host {host}"
            yield Problem(subject, problem.PATH_TAKEN, f"{what} belongs to Ingress {owner}, which has its path /")


def _statuses(classes: Mapping[str, Object], world: _World, addresses: Sequence[str]) -> Statuses:
    """Return what the statuses of all objects of ours are to say."""
    attached: Counter[tuple[Key, str]] = Counter()
    for route in world.routes:
        names = {(a.gateway, one.name) for a in route.accepted for one, _ in a.listeners}
        attached.update(names)
    found: Statuses = {(CLASSES.kind, ("", name)): status.of_class(obj) for name, obj in classes.items()}
    for key, obj in world.gateways.items():
        counts = {name: count for (gateway, name), count in attached.items() if gateway == key}
        said = status.of_gateway(obj, world.listeners[key], counts, world.refused.get(key), addresses)
        found[GATEWAYS.kind, key] = said
    for route in world.routes:
        said = status.of_route(route.obj, route.attachments, route.rules)
        found[ROUTES.kind, metadata.key(route.obj)] = said
    return found
