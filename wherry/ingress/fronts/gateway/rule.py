"""A rule of an HTTPRoute: what it matches, what is done, who answers (`HTTPRouteRule`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from wherry.ingress.fronts.gateway import filters
from wherry.ingress.fronts.gateway.filters import Actions
from wherry.ingress.fronts.gateway.grants import Reference, permitted
from wherry.ingress.fronts.gateway.resources import GROUP, ROUTES
from wherry.ingress.fronts.gateway.snapshot import Gateways, Others
from wherry.ingress.route.backend import BackendRef
from wherry.ingress.route.problem import Key
from wherry.ingress.values import regex_error
from wherry.objects import Object, metadata
from wherry.objects.meaning.services import is_external_name
from wherry.objects.meaning.services import ports as service_ports

EXACT, PREFIX, REGEX = "Exact", "PathPrefix", "RegularExpression"
MAX_PATTERN: Final = 1024
_PLAIN: Final = frozenset(("", "http", "kubernetes.io/ws"))
"""Values of a Service port's appProtocol that are HTTP/1.1."""
_DURATION: Final = re.compile(r"([0-9]+)(h|ms|m|s)")
_SECONDS: Final[Mapping[str, float]] = {"h": 3600, "m": 60, "s": 1, "ms": 0.001}


@dataclass(frozen=True, slots=True)
class Match:
    """What a request must have. Headers and query parameters are (name, value, whether that is a pattern)."""

    path_type: str = PREFIX
    path: str = "/"
    method: str = ""
    headers: tuple[tuple[str, str, bool], ...] = ()
    query: tuple[tuple[str, str, bool], ...] = ()

    @property
    def precedence(self) -> tuple[int, int, int]:
        """Sort key among those of one path: with a method first, then more headers, then more query parameters."""
        return (0 if self.method else 1, -len(self.headers), -len(self.query))


@dataclass(frozen=True)
class Rule:
    """One rule. `actions` are what Lua does with a request that matches; `refs` the Services they name.

    `unsupported`: what of it we do not know, by name. `unresolved`: (reason, message) of what it
    names that is not there.
    """

    route: Key
    matches: tuple[Match, ...]
    actions: Actions
    refs: tuple[BackendRef, ...] = ()
    unsupported: tuple[str, ...] = ()
    unresolved: tuple[tuple[str, str], ...] = ()


def rules(route: Object, gateways: Gateways, others: Others) -> list[Rule]:
    """Return the rules of a route, in its order."""
    reader = _Reader(metadata.key(route), gateways, others)
    specs: Sequence[Mapping[str, Any]] = (route.get("spec") or {}).get("rules") or ({},)
    return [reader.rule(spec) for spec in specs]


def seconds(duration: str) -> float:
    """Return the length of a `Duration` (GEP-2257) such as 1m30s; 0 for none."""
    return sum(int(number) * _SECONDS[unit] for number, unit in _DURATION.findall(duration))


class _Unresolved(Exception):
    """A backend cannot be used. `reason` is the condition's word."""

    def __init__(self, reason: str, message: str):
        super().__init__(message)
        self.reason = reason


@dataclass
class _Reader:
    route: Key
    gateways: Gateways
    others: Others
    refs: list[BackendRef] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)
    unresolved: list[tuple[str, str]] = field(default_factory=list)

    def rule(self, spec: Mapping[str, Any]) -> Rule:
        self.refs, self.unsupported, self.unresolved = [], [], []
        wanted = spec.get("filters") or ()
        self._unsupported(filters.unsupported(wanted, filters.WHOLE))
        self.unsupported += [key for key in ("retry", "sessionPersistence") if key in spec]
        wishes: Sequence[Mapping[str, Any]] = spec.get("matches") or ({},)
        matches = tuple(self._match(one) for one in wishes)
        done = filters.actions(wanted)
        if mirrors := [one for f in wanted if f.get("type") == "RequestMirror" for one in self._mirror(f)]:
            done["mirrors"] = mirrors
        if "redirect" not in done:
            done["backends"] = [self._backend(one) for one in spec.get("backendRefs") or ()]
        if patience := self._patience(spec.get("timeouts") or {}):
            done["seconds"] = patience
        return Rule(self.route, matches, done, tuple(self.refs), tuple(self.unsupported), tuple(self.unresolved))

    def _unsupported(self, types: list[str]) -> None:
        self.unsupported += [f"filter {kind or 'without a type'}" for kind in types]

    def _match(self, spec: Mapping[str, Any]) -> Match:
        path = spec.get("path") or {}
        kind, value = path.get("type", PREFIX), path.get("value", "/")
        if kind == REGEX:
            self._check(value, "path")
        elif kind not in (EXACT, PREFIX):
            self.unsupported.append(f"path type {kind}")
        return Match(
            kind, value, spec.get("method", ""), self._named(spec, "headers"), self._named(spec, "queryParams")
        )

    def _named(self, spec: Mapping[str, Any], key: str) -> tuple[tuple[str, str, bool], ...]:
        """Return headers or query parameters; of several of one name the first counts."""
        found: dict[str, tuple[str, str, bool]] = {}
        for one in spec.get(key) or ():
            name = one["name"].lower() if key == "headers" else one["name"]
            pattern = one.get("type", EXACT) == REGEX
            if pattern:
                self._check(one["value"], f"{key} {name}")
            found.setdefault(name, (name, one["value"], pattern))
        return tuple(found.values())

    def _check(self, pattern: str, what: str) -> None:
        if wrong := regex_error(pattern):
            self.unsupported.append(f"{what}: {pattern!r} is not a regular expression: {wrong}")
        if len(pattern) > MAX_PATTERN:
            self.unsupported.append(f"{what}: a pattern of more than {MAX_PATTERN} characters")

    @staticmethod
    def _patience(spec: Mapping[str, Any]) -> float:
        """Return the shorter of the two timeouts in seconds, 0 for none."""
        given = [length for key in ("request", "backendRequest") if (length := seconds(spec.get(key, "")))]
        return min(given, default=0)

    def _mirror(self, filter_: Mapping[str, Any]) -> Iterator[Actions]:
        spec = filter_.get("requestMirror") or {}
        ref = self._resolve(spec.get("backendRef") or {})
        if ref is None:
            return
        fraction = spec.get("fraction") or {"numerator": spec.get("percent", 100), "denominator": 100}
        yield {"backend": ref.key, "part": fraction["numerator"], "of": fraction.get("denominator", 100)}

    def _backend(self, spec: Mapping[str, Any]) -> Actions:
        """Return a backend; without a key, requests that it should get are answered with 500."""
        wanted = spec.get("filters") or ()
        self._unsupported(filters.unsupported(wanted, filters.OF_BACKEND))
        ref = self._resolve(spec)
        key = {"backend": ref.key, "service": ref.service} if ref else {}
        return {"weight": spec.get("weight", 1), **key, **filters.actions(wanted)}

    def _resolve(self, spec: Mapping[str, Any]) -> BackendRef | None:
        """Return the Service that a `BackendObjectReference` names; None where it cannot be used, and why is kept."""
        try:
            ref = self._found(spec)
        except _Unresolved as error:
            self.unresolved.append((error.reason, str(error)))
            return None
        self.refs.append(ref)
        return ref

    def _found(self, spec: Mapping[str, Any]) -> BackendRef:
        group, kind = spec.get("group", ""), spec.get("kind", "Service")
        if (group, kind) != ("", "Service"):
            raise _Unresolved("InvalidKind", f"backend {group or 'core'}/{kind} is not supported: a Service is")
        namespace = self.route[0]
        key = (spec.get("namespace") or namespace, spec.get("name", ""))
        if not permitted(Reference(GROUP, ROUTES.kind, namespace, "", "Service", *key), self.gateways.grants):
            what = f"no ReferenceGrant of {key[0]} lets HTTPRoutes of {namespace} use Service {key[1]}"
            raise _Unresolved("RefNotPermitted", what)
        service = self.others.services.get(key)
        what = f"Service {key[0]}/{key[1]}"
        if service is None:
            raise _Unresolved("BackendNotFound", f"{what} does not exist")
        if is_external_name(service):
            # A name that leads anywhere is a way around ReferenceGrants (CVE-2021-25740).
            raise _Unresolved("BackendNotFound", f"{what} is of type ExternalName, which is not supported here")
        number = spec.get("port")
        port = next((p for p in service_ports(service) if p["port"] == number), None)
        if port is None:
            raise _Unresolved("BackendNotFound", f"{what} has no port {number}")
        if port.get("appProtocol", "") not in _PLAIN:
            raise _Unresolved("UnsupportedProtocol", f"{what} speaks {port['appProtocol']} at port {number}: HTTP is")
        return BackendRef(*key, str(number))
