"""Locations: one path of one host, with everything nginx needs to know to serve it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from wherry.ingress.features.part import At, Part
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

    `parts` are its features, in the order their directives have. `denied` (why) makes every answer 503.
    """

    path: str
    match: Match
    backend: BackendRef | None
    owner: Key | None = None
    parts: tuple[Part, ...] = ()
    denied: str = ""

    def at(self, host: str, tls: bool) -> At:
        """Return what parts need to know of it; its id is the same as long as host and path are."""
        place = f"{host}\0{self.match.value}\0{self.path}"
        id = hashlib.blake2s(place.encode(), digest_size=8).hexdigest()
        owner = "/".join(self.owner) if self.owner else ""
        port = self.backend.port if self.backend else ""
        return At(host, tls, self.path, self.match is Match.REGEX, owner, id, port)


def in_order(locations: Iterable[Location]) -> tuple[Location, ...]:
    """Return locations longest path first (nginx takes the first pattern that matches), then exact before prefix."""
    return tuple(sorted(locations, key=lambda at: (-len(at.path), at.path, at.match)))
