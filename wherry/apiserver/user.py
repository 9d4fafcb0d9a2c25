"""Who asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wherry.objects import Object

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

    @property
    def info(self) -> Object:
        """The user as an authentication.k8s.io/v1 UserInfo."""
        extra = {key: list(values) for key, values in self.extra.items()}
        whole = {"username": self.name, "uid": self.uid, "groups": list(self.groups), "extra": extra}
        return {key: value for key, value in whole.items() if value}

    @classmethod
    def of(cls, info: Mapping[str, Any]) -> User:
        """Return the user of a UserInfo."""
        extra = {key: tuple(values) for key, values in (info.get("extra") or {}).items()}
        return cls(info.get("username", ""), tuple(info.get("groups") or ()), info.get("uid", ""), extra)


ANONYMOUS = User("system:anonymous", (UNAUTHENTICATED,))
NOBODY = User("")
"""Somebody whose credentials are bad."""
SYSTEM = User("system:apiserver", (MASTERS, AUTHENTICATED))
"""The server itself and whoever shares its process."""
