"""Claims: what one Ingress asks for, read and checked. Pure, and of nothing but the Ingress and what it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from wherry.ingress.features import catalog
from wherry.ingress.features.part import HostClosed, Part, Sources
from wherry.ingress.features.policy import Policy
from wherry.ingress.fronts.ingress.annotations import WITHOUT_EFFECT, read_policy
from wherry.ingress.fronts.ingress.paths import host_problem
from wherry.ingress.fronts.ingress.rule import Rule
from wherry.ingress.fronts.ingress.snapshot import Snapshot
from wherry.ingress.fronts.ingress.tls import HostTls, tls_for
from wherry.ingress.fronts.ingress.unsupported import is_canary
from wherry.ingress.route import problem
from wherry.ingress.route.backend import BackendRef
from wherry.ingress.route.problem import Key, Problem, Subject
from wherry.ingress.route.server import CATCH_ALL
from wherry.objects import Object, metadata, names


@dataclass(slots=True)
class Claim:
    """What an Ingress asks for: rules by host, TLS by host, what takes the rest; and what is wrong with it."""

    subject: Subject
    key: Key
    policy: Policy = field(default_factory=Policy)
    canary: bool = False
    closes_host: str = ""
    parts: tuple[Part, ...] = ()
    rules: dict[str, list[Rule]] = field(default_factory=dict)
    tls: dict[str, HostTls] = field(default_factory=dict)
    fallback: Rule | None = None
    problems: list[Problem] = field(default_factory=list)

    def report(self, reason: str, message: str) -> None:
        """Take note of what is wrong."""
        self.problems.append(Problem(self.subject, reason, message))


def read_claim(
    ingress: Object,
    snapshot: Snapshot,
    prefix: str,
    common: Mapping[str, Any],
    default_service: Key | None = None,
) -> Claim:
    """Return the claim of an Ingress; `common` are the features' values of the ConfigMap and the defaults.

    `default_service` answers what no rule takes.
    """
    claim = Claim(Subject.of_ingress(ingress), metadata.key(ingress))
    given = metadata.annotations(ingress)
    claim.policy, sentences = read_policy(given, prefix, common)
    for message in sentences:
        is_idle = message.startswith(WITHOUT_EFFECT)
        claim.report(problem.UNSUPPORTED if is_idle else problem.BAD_ANNOTATION, message)
    claim.canary = is_canary(given, prefix)
    _add_parts(claim, snapshot, default_service)
    spec = ingress.get("spec") or {}
    if spec.get("defaultBackend"):
        claim.fallback = _rule(claim, "/", "Prefix", spec["defaultBackend"])
    for rule in spec.get("rules") or ():
        _add_rule(claim, ingress, rule, snapshot)
    return claim


def _add_parts(claim: Claim, snapshot: Snapshot, default_service: Key | None) -> None:
    claim.parts, closed = catalog.parts(claim.policy, _sources(claim.key, snapshot, default_service))
    for why in closed if not claim.policy.denied else ():
        claim.report(_REASONS.get(why.missing, problem.BAD_ANNOTATION), f"{why}; the paths of this Ingress answer 503")
    if closed and not claim.policy.denied:
        claim.policy = Policy(claim.policy.values, claim.policy.common, str(closed[0]))
    claim.closes_host = next((str(why) for why in closed if isinstance(why, HostClosed)), "")


_REASONS: Final = {"Secret": problem.NO_SECRET, "ConfigMap": problem.NO_CONFIG_MAP}


def _sources(key: Key, snapshot: Snapshot, default_service: Key | None) -> Sources:
    namespace = key[0]
    return Sources(
        namespace,
        key[1],
        secret=lambda name: snapshot.secrets.get((namespace, name)),
        config_map=lambda name: snapshot.config_maps.get((namespace, name)),
        service=lambda name: snapshot.services.get((namespace, name)),
        default_backend=(*default_service, "") if default_service else None,
    )


def _add_rule(claim: Claim, ingress: Object, rule: Object, snapshot: Snapshot) -> None:
    host = rule.get("host") or CATCH_ALL
    wrong = host_problem(host) if host != CATCH_ALL else None
    if wrong:
        claim.report(problem.BAD_HOST, f"host {host!r} is left out: {wrong}")
        return
    rules = claim.rules.setdefault(host, [])
    if host != CATCH_ALL and host not in claim.tls:
        tls = tls_for(ingress, host, snapshot.secrets)
        if tls:
            claim.tls[host] = tls
    for path in (rule.get("http") or {}).get("paths") or ():
        path_type = path.get("pathType") or "ImplementationSpecific"
        found = _rule(claim, path.get("path") or "/", path_type, path.get("backend") or {})
        if found:
            rules.append(found)


def _rule(claim: Claim, path: str, path_type: str, backend: Object) -> Rule | None:
    service = backend.get("service")
    if not service:
        claim.report(problem.BAD_BACKEND, "a backend that is not a Service is not supported")
        return None
    port = service.get("port") or {}
    wanted = str(port.get("name") or port.get("number") or "")
    ref = BackendRef(claim.key[0], service.get("name") or "", wanted, bool(claim.policy["service-upstream"]))
    if names.dns_label(ref.namespace) or names.dns_label(ref.service) or names.dns_label(ref.port):
        claim.report(problem.BAD_BACKEND, f"backend {ref.key!r} is not a Service and a port")
        return None
    return Rule(path, path_type, ref, claim.key, claim.parts, claim.policy.denied)
