"""Locations: one path of one host, with everything nginx needs to know to serve it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from wherry.ingress.annotations.policy import Policy
from wherry.ingress.model.backend import BackendRef
from wherry.ingress.model.snapshot import Key
from wherry.ingress.settings import Settings


class Match(IntEnum):
    """How nginx compares the path; in the order nginx should see equal paths."""

    EXACT = 0
    PREFIX = 1
    REGEX = 2


@dataclass(frozen=True, slots=True)
class Location:
    """One path. `backend` None is the built-in 404. Timeouts in seconds; `denied` (why) makes every answer 503."""

    path: str
    match: Match
    backend: BackendRef | None
    ingress: Key | None = None
    redirect: bool = False
    rewrite_target: str = ""
    body_size: str = "1m"
    connect_timeout: int = 5
    read_timeout: int = 60
    send_timeout: int = 60
    https_backend: bool = False
    denied: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One path as an Ingress states it, after checks; the oldest Ingress' rule goes first."""

    path: str
    path_type: str
    backend: BackendRef
    ingress: Key
    policy: Policy


def places(rule: Rule, regex: bool) -> list[tuple[Match, str]]:
    """Return where in nginx the rule applies: its (match, path) pairs, the surest first.

    Prefix is by segments: `/foo` is `/foo` itself and all below `/foo/`. ImplementationSpecific is a plain string
    prefix, as in ingress-nginx. On a host with regular expressions (`regex`) every path is one, whatever its type:
    upstream's rule.
    """
    if regex:
        return [(Match.REGEX, rule.path)]
    if rule.path_type == "Exact":
        return [(Match.EXACT, rule.path)]
    if rule.path_type == "Prefix" and rule.path != "/":
        bare = rule.path.rstrip("/") or "/"
        return [(Match.EXACT, bare), (Match.PREFIX, bare.rstrip("/") + "/")]
    return [(Match.PREFIX, rule.path)]


def location(rule: Rule, match: Match, path: str, settings: Settings, tls: bool) -> Location:
    """Return the location for one place of a rule; `tls` says whether its host has TLS."""
    policy = rule.policy
    wanted = settings.ssl_redirect if policy.ssl_redirect is None else policy.ssl_redirect
    forced = settings.force_ssl_redirect if policy.force_ssl_redirect is None else policy.force_ssl_redirect
    return Location(
        path=path,
        match=match,
        backend=rule.backend,
        ingress=rule.ingress,
        redirect=forced or (wanted and tls),
        rewrite_target=policy.rewrite_target,
        body_size=policy.proxy_body_size or settings.proxy_body_size,
        connect_timeout=policy.proxy_connect_timeout or settings.proxy_connect_timeout,
        read_timeout=policy.proxy_read_timeout or settings.proxy_read_timeout,
        send_timeout=policy.proxy_send_timeout or settings.proxy_send_timeout,
        https_backend=policy.backend_protocol == "HTTPS",
        denied=policy.denied,
    )


def default_location(backend: BackendRef | None, settings: Settings) -> Location:
    """Return the location for what no rule takes."""
    return Location(
        "/",
        Match.PREFIX,
        backend,
        body_size=settings.proxy_body_size,
        connect_timeout=settings.proxy_connect_timeout,
        read_timeout=settings.proxy_read_timeout,
        send_timeout=settings.proxy_send_timeout,
    )


def in_order(locations: Iterable[Location]) -> tuple[Location, ...]:
    """Return locations longest path first (nginx takes the first pattern that matches), then exact before prefix."""
    return tuple(sorted(locations, key=lambda at: (-len(at.path), at.path, at.match)))
