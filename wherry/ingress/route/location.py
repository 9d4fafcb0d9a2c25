"""Locations: one path of one host, with everything nginx needs to know to serve it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

from wherry.ingress.features.protocol import Protocol
from wherry.ingress.features.timeouts import Timeouts
from wherry.ingress.route.backend import BackendRef
from wherry.ingress.route.problem import Key


class Match(IntEnum):
    """How nginx compares the path; in the order nginx should see equal paths."""

    EXACT = 0
    PREFIX = 1
    REGEX = 2


@dataclass(frozen=True, slots=True)
class Location:
    """One path. `backend` None is the built-in 404; `owner` is the object that asked for it.

    `redirect`: http is answered with a redirect to https. `denied` (why) makes every answer 503.
    """

    path: str
    match: Match
    backend: BackendRef | None
    owner: Key | None = None
    redirect: bool = False
    rewrite_target: str = ""
    body_size: str = "1m"
    timeouts: Timeouts = field(default_factory=Timeouts)
    protocol: Protocol = Protocol.HTTP
    denied: str = ""


def in_order(locations: Iterable[Location]) -> tuple[Location, ...]:
    """Return locations longest path first (nginx takes the first pattern that matches), then exact before prefix."""
    return tuple(sorted(locations, key=lambda at: (-len(at.path), at.path, at.match)))
