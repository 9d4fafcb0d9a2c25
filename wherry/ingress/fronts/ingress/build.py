"""API objects become the wanted nginx: `build`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from wherry.ingress.features import rewriting
from wherry.ingress.features.policy import Policy
from wherry.ingress.fronts.ingress.annotations import read_policy
from wherry.ingress.fronts.ingress.classes import is_ours
from wherry.ingress.fronts.ingress.host import HostRules
from wherry.ingress.fronts.ingress.paths import host_problem, path_problem, pattern_problem
from wherry.ingress.fronts.ingress.rule import Rule, default_location
from wherry.ingress.fronts.ingress.snapshot import Choices, Snapshot, age
from wherry.ingress.fronts.ingress.streams import streams
from wherry.ingress.fronts.ingress.tls import tls_for
from wherry.ingress.fronts.ingress.unsupported import is_canary
from wherry.ingress.route import problem
from wherry.ingress.route.backend import BackendRef
from wherry.ingress.route.certificate import Certificate
from wherry.ingress.route.location import Location
from wherry.ingress.route.model import Model, Structure
from wherry.ingress.route.problem import Key, Problem, Subject
from wherry.ingress.route.server import CATCH_ALL, Server
from wherry.ingress.route.stream import Stream
from wherry.ingress.settings import Settings, read_settings
from wherry.objects import Object, metadata, names


def build(snapshot: Snapshot, choices: Choices) -> Model:
    """Return the model of a snapshot. Pure: equal input, equal model."""
    builder = _Builder(snapshot, choices)
    for ingress in sorted(snapshot.ingresses, key=age):
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
        self._settings = self._read_settings()

    def add(self, ingress: Object) -> None:
        """Take one Ingress in; older ones have been before."""
        key = metadata.key(ingress)
        subject = Subject.of_ingress(ingress)
        self._subjects[key] = subject
        given = metadata.annotations(ingress)
        policy, problems = read_policy(given, self._choices.annotations_prefix)
        for message in problems:
            self._report(subject, problem.BAD_ANNOTATION, message)
        if is_canary(given, self._choices.annotations_prefix):
            return
        spec = ingress.get("spec") or {}
        fallback = self._fallback(spec, key, subject, policy)
        for rule in spec.get("rules") or ():
            self._add_rule(ingress, rule, policy, subject, fallback)
        catch_all = self._hosts[CATCH_ALL]
        if fallback and not spec.get("rules") and catch_all.fallback is None:
            catch_all.fallback = fallback

    def model(self) -> Model:
        """Return the model of all that was added."""
        servers = tuple(self._server(rules) for _, rules in sorted(self._hosts.items()))
        users: dict[BackendRef, set[Subject]] = {}
        for server in servers:
            for at in server.locations:
                if at.backend is not None:
                    users.setdefault(at.backend, set()).update([self._subjects[at.owner]] if at.owner else [])
        return Model(
            structure=Structure(servers, tuple(self._streams()), self._settings),
            certificates=dict(sorted(self._certificates.items())),
            backends=frozenset(users),
            users={ref: tuple(sorted(subjects)) for ref, subjects in users.items()},
            ours=tuple(self._subjects),
            problems=tuple(dict.fromkeys(self._problems)),
        )

    def _read_settings(self) -> Settings:
        config_map = self._snapshot.config_map
        if config_map is None:
            return Settings()
        settings, sentences = read_settings(config_map.get("data") or {})
        for sentence in sentences:
            self._report(Subject.of_config_map(config_map), problem.BAD_OPTION, sentence)
        return settings

    # One Ingress

    def _add_rule(self, ingress: Object, rule: Object, policy: Policy, subject: Subject, fallback: Rule | None) -> None:
        host = rule.get("host") or CATCH_ALL
        wrong = host_problem(host) if host != CATCH_ALL else None
        if wrong:
            self._report(subject, problem.BAD_HOST, f"host {host!r} is left out: {wrong}")
            return
        at = self._hosts.setdefault(host, HostRules(host))
        at.regex = at.regex or rewriting.makes_patterns(policy)
        self._add_tls(ingress, at, subject)
        for path in (rule.get("http") or {}).get("paths") or ():
            found = self._rule(path, metadata.key(ingress), policy, subject)
            if found:
                at.rules.append(found)
        if fallback and host != CATCH_ALL and at.fallback is None:
            at.fallback = fallback

    def _add_tls(self, ingress: Object, at: HostRules, subject: Subject) -> None:
        if at.tls or at.host == CATCH_ALL:
            return
        tls = tls_for(ingress, at.host, self._snapshot.secrets)
        if tls is None:
            return
        at.tls = True
        if tls.certificate:
            self._certificates[at.host] = tls.certificate
        if tls.trouble:
            self._report(subject, *tls.trouble)

    def _rule(self, path: Object, key: Key, policy: Policy, subject: Subject) -> Rule | None:
        backend = self._backend(path.get("backend") or {}, key, subject)
        if backend is None:
            return None
        return Rule(path.get("path") or "/", path.get("pathType") or "ImplementationSpecific", backend, key, policy)

    def _fallback(self, spec: Object, key: Key, subject: Subject, policy: Policy) -> Rule | None:
        if not spec.get("defaultBackend"):
            return None
        backend = self._backend(spec["defaultBackend"], key, subject)
        return Rule("/", "Prefix", backend, key, policy) if backend else None

    def _backend(self, backend: Object, key: Key, subject: Subject) -> BackendRef | None:
        service = backend.get("service")
        if not service:
            self._report(subject, problem.BAD_BACKEND, "a backend that is not a Service is not supported")
            return None
        port = service.get("port") or {}
        ref = BackendRef(key[0], service.get("name") or "", str(port.get("name") or port.get("number") or ""))
        if names.dns_label(ref.namespace) or names.dns_label(ref.service) or names.dns_label(ref.port):
            self._report(subject, problem.BAD_BACKEND, f"backend {ref.key!r} is not a Service and a port")
            return None
        return ref

    # One host

    def _server(self, host: HostRules) -> Server:
        host.rules = [rule for rule in host.rules if self._may_pass(rule, host)]

        def taken(rule: Rule, owner: Key) -> None:
            message = f"path {rule.path} of host {host.host} belongs to the older Ingress {owner[0]}/{owner[1]}"
            self._report(self._subjects[rule.ingress], problem.PATH_TAKEN, message)

        return host.server(self._settings, self._default(), taken)

    def _may_pass(self, rule: Rule, host: HostRules) -> bool:
        wrong = pattern_problem(rule.path) if host.regex else path_problem(rule.path)
        if wrong:
            message = f"path {rule.path!r} of host {host.host} is left out: {wrong}"
            self._report(self._subjects[rule.ingress], problem.BAD_PATH, message)
        return not wrong

    def _default(self) -> Location:
        """Return what answers where no rule does: `--default-backend-service`, or nginx' own 404."""
        key = self._choices.default_service
        service = self._snapshot.services.get(key) if key else None
        ports = (service or {"spec": {}})["spec"].get("ports") or ()
        backend = BackendRef(*key, str(ports[0]["port"])) if key and ports else None
        return default_location(backend, self._settings)

    # The rest

    def _streams(self) -> Iterator[Stream]:
        services, reserved = self._snapshot.services, self._choices.reserved_ports
        if tcp := self._snapshot.tcp_services:
            report = partial(self._report, Subject.of_config_map(tcp), problem.BAD_STREAM)
            yield from streams(tcp, "TCP", services, reserved, report)
        if udp := self._snapshot.udp_services:
            report = partial(self._report, Subject.of_config_map(udp), problem.BAD_STREAM)
            yield from streams(udp, "UDP", services, frozenset(), report)

    def _report(self, subject: Subject, reason: str, message: str) -> None:
        self._problems.append(Problem(subject, reason, message))
