"""Who asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
MASTERS = "system:masters"


@dataclass(frozen=True, slots=True)
class User:
    """An authenticated user, or the anonymous one. `extra` as in the authentication.k8s.io API."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, Sequence[str]] = field(default_factory=dict, hash=False)


ANONYMOUS = User("system:anonymous", (UNAUTHENTICATED,))
NOBODY = User("")
"""Somebody whose credentials are bad."""
SYSTEM = User("system:apiserver", (MASTERS, AUTHENTICATED))
"""The server itself and whoever shares its process."""
