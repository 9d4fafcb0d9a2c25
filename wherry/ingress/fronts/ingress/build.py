"""API objects become the wanted nginx: `build`."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from wherry.ingress.features import rewriting
from wherry.ingress.features.canary import Split, split
from wherry.ingress.features.hostnames import Hostnames
from wherry.ingress.fronts.ingress.claim import Claim, read_claim
from wherry.ingress.fronts.ingress.classes import is_ours
from wherry.ingress.fronts.ingress.host import HostRules
from wherry.ingress.fronts.ingress.passing import passed, who_tells
from wherry.ingress.fronts.ingress.paths import path_problem, pattern_problem
from wherry.ingress.fronts.ingress.rule import Rule, default_location
from wherry.ingress.fronts.ingress.snapshot import Choices, Snapshot
from wherry.ingress.fronts.ingress.streams import streams
from wherry.ingress.route import problem
from wherry.ingress.route.backend import BackendRef
from wherry.ingress.route.certificate import Certificate
from wherry.ingress.route.data import data
from wherry.ingress.route.location import Location
from wherry.ingress.route.model import Model, Structure
from wherry.ingress.route.passed import Passed
from wherry.ingress.route.problem import Key, Problem, Subject
from wherry.ingress.route.server import CATCH_ALL, Server
from wherry.ingress.route.stream import Stream
from wherry.ingress.settings import Settings, read_settings, usual
from wherry.objects import Object, metadata

log = logging.getLogger(__name__)


def build(snapshot: Snapshot, choices: Choices) -> Model:
    """Return the model of a snapshot. Pure: equal input, equal model."""
    builder = _Builder(snapshot, choices)
    for ingress in sorted(snapshot.ingresses, key=metadata.age):
        if is_ours(ingress, snapshot.classes, choices.classes):
            builder.add(ingress)
    return builder.model()


class _Builder:
    def __init__(self, snapshot: Snapshot, choices: Choices):
        self._snapshot = snapshot
        self._choices = choices
        self._hosts: dict[str, HostRules] = {CATCH_ALL: HostRules(CATCH_ALL)}
        self._certificates: dict[str, Certificate] = {}
        self._subjects: dict[Key, Subject] = {}
        self._problems: list[Problem] = []
        self._default_service = choices.default_service if choices.default_service in snapshot.services else None
        self._settings = self._read_settings()
        self._common = self._settings.common

    def add(self, ingress: Object) -> None:
        """Take one Ingress in; older ones have been before."""
        subject = Subject.of_ingress(ingress)
        try:
            prefix = self._choices.annotations_prefix
            claim = read_claim(ingress, self._snapshot, prefix, self._common, self._default_service)
        except Exception as error:  # a bug of ours that one Ingress meets is not to hold up the others
            log.exception("%s is left out", subject)
            self._report(subject, problem.INTERNAL, f"this Ingress is left out, wherry fails on it: {error!r}")
            return
        self._subjects[claim.key] = subject
        if not self._choices.catch_all:
            self._leave_catch_all(claim)
        self._problems += claim.problems
        for host, rules in claim.rules.items():
            self._merge(self._hosts.setdefault(host, HostRules(host)), rules, claim)
        catch_all = self._hosts[CATCH_ALL]
        if (
            claim.fallback
            and not claim.canary
            and not (ingress.get("spec") or {}).get("rules")
            and catch_all.fallback is None
        ):
            catch_all.fallback = claim.fallback

    @staticmethod
    def _leave_catch_all(claim: Claim) -> None:
        """Take out what is for every host (`--disable-catch-all`)."""
        if claim.rules.pop(CATCH_ALL, None) or (claim.fallback and not claim.rules):
            claim.report(problem.BAD_HOST, "rules for every host are left out: --disable-catch-all")
            claim.fallback = claim.fallback if claim.rules else None

    def model(self) -> Model:
        """Return the model of all that was added."""
        servers = self._named(tuple(self._server(rules) for _, rules in sorted(self._hosts.items())))
        users: dict[BackendRef, set[Subject]] = {}
        for server in servers:
            for at in server.locations:
                for ref in _backends(at):
                    users.setdefault(ref, set()).update([self._subjects[at.owner]] if at.owner else [])
        structure = Structure(
            servers, tuple(self._streams()), self._passing(), tuple(self._passed(servers)), self._settings
        )
        return Model(
            structure=structure,
            routes=data(structure),
            certificates=dict(sorted(self._certificates.items())),
            backends=frozenset(users),
            users={ref: tuple(sorted(subjects)) for ref, subjects in users.items()},
            ours=tuple(self._subjects),
            problems=tuple(dict.fromkeys(self._problems)),
        )

    def _read_settings(self) -> Settings:
        config_map = self._snapshot.config_map
        if config_map is None:
            return usual()
        settings, sentences = read_settings(config_map.get("data") or {}, self._snapshot.config_maps)
        for sentence in sentences:
            self._report(Subject.of_config_map(config_map), problem.BAD_OPTION, sentence)
        return settings

    # One host

    def _merge(self, at: HostRules, rules: Iterable[Rule], claim: Claim) -> None:
        """Add what an Ingress says about one host."""
        if claim.canary:
            at.canaries += [(rule, _split(claim, rule)) for rule in rules if not rule.denied]
            return
        at.denied = at.denied or claim.closes_host
        at.parts += [p for p in claim.parts if p.host_wide and type(p) not in set(map(type, at.parts))]
        at.regex = at.regex or rewriting.makes_patterns(claim.policy)
        at.rules += rules
        if claim.fallback and at.host != CATCH_ALL and at.fallback is None:
            at.fallback = claim.fallback
        tls = claim.tls.get(at.host)
        if tls is None or at.tls:
            return
        at.tls = True
        if tls.certificate:
            self._certificates[at.host] = tls.certificate
        if tls.trouble:
            self._report(claim.subject, *tls.trouble)

    def _server(self, host: HostRules) -> Server:
        host.rules = [rule for rule in host.rules if self._may_pass(rule, host)]

        def taken(rule: Rule, owner: Key) -> None:
            message = f"path {rule.path} of host {host.host} belongs to the older Ingress {owner[0]}/{owner[1]}"
            self._report(self._subjects[rule.ingress], problem.PATH_TAKEN, message)

        def alone(rule: Rule) -> None:
            message = f"path {rule.path} of host {host.host}: no other Ingress serves it, so its canary gets nothing"
            self._report(self._subjects[rule.ingress], problem.CANARY_ALONE, message)

        return host.server(self._default(), taken, alone)

    def _may_pass(self, rule: Rule, host: HostRules) -> bool:
        try:
            wrong = pattern_problem(rule.path) if host.regex else path_problem(rule.path)
        except Exception as error:  # as in `add`
            log.exception("path %r is left out", rule.path)
            message = f"path {rule.path!r} of host {host.host} is left out, wherry fails on it: {error!r}"
            self._report(self._subjects[rule.ingress], problem.INTERNAL, message)
            return False
        if wrong:
            message = f"path {rule.path!r} of host {host.host} is left out: {wrong}"
            self._report(self._subjects[rule.ingress], problem.BAD_PATH, message)
        return not wrong

    def _default(self) -> Location:
        """Return what answers where no rule does: `--default-backend-service`, or nginx' own 404."""
        key = self._default_service
        return default_location(BackendRef(*key, "") if key else None, self._settings)

    # The rest

    def _streams(self) -> Iterator[Stream]:
        services, reserved = self._snapshot.services, self._choices.reserved_ports
        if tcp := self._snapshot.tcp_services:
            report = partial(self._report, Subject.of_config_map(tcp), problem.BAD_STREAM)
            yield from streams(tcp, "TCP", services, reserved, report)
        if udp := self._snapshot.udp_services:
            report = partial(self._report, Subject.of_config_map(udp), problem.BAD_STREAM)
            yield from streams(udp, "UDP", services, frozenset(), report)

    def _passing(self) -> bool:
        return self._choices.passthrough and not who_tells(self._settings)

    def _passed(self, servers: tuple[Server, ...]) -> Iterator[Passed]:
        def report(owner: Key, message: str) -> None:
            self._report(self._subjects[owner], problem.UNSUPPORTED, message)

        yield from passed(servers, self._snapshot.services, self._settings, self._choices.passthrough, report)

    def _named(self, servers: tuple[Server, ...]) -> tuple[Server, ...]:
        """Return the servers with their further names; the first of two that want a name has it."""
        taken = {server.host for server in servers}
        return tuple(self._with_names(server, taken) for server in servers)

    def _with_names(self, server: Server, taken: set[str]) -> Server:
        wish = next((part for part in server.parts if isinstance(part, Hostnames)), None)
        if wish is None or server.host == CATCH_ALL:
            return server
        www = server.host.removeprefix("www.") if server.host.startswith("www.") else f"www.{server.host}"
        led_here = www if wish.www and www not in taken and "*" not in www else ""
        taken |= {led_here}
        aliases = tuple(name for name in wish.aliases if name not in taken)
        taken |= set(aliases)
        for name in (*aliases, led_here):
            if name and server.host in self._certificates:
                self._certificates[name] = self._certificates[server.host]
        return replace(server, aliases=aliases, led_here=led_here)

    def _report(self, subject: Subject, reason: str, message: str) -> None:
        self._problems.append(Problem(subject, reason, message))


def _split(claim: Claim, rule: Rule) -> Split:
    return split(claim.policy, rule.backend.namespace, rule.backend.service, rule.backend.port)


def _backends(at: Location) -> Iterator[BackendRef]:
    """Yield the Services that a location sends requests to."""
    if at.backend is not None:
        yield at.backend
        yield from (BackendRef(*ref) for part in at.parts for ref in part.backends())
