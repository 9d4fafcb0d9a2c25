"""What annotations and keys of the ConfigMap declare about themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Scope(Enum):
    """How far an annotation reaches."""

    LOCATION = "location"
    """The paths of the Ingress that carries it."""
    HOST = "host"
    """Every path of the hosts of the Ingress that carries it, other Ingresses' paths included."""


class Risk(Enum):
    """How much harm a value could do if its reader let through too much (ingress-nginx' scale)."""

    LOW = "low"
    """Booleans, numbers and fixed words."""
    MEDIUM = "medium"
    """Text of a closed form that reaches nginx.conf."""
    HIGH = "high"
    """Text that nginx interprets: patterns, addresses, variables."""


Reader = Callable[[str], Any]
"""Turns text into a typed value of the `Policy`. Raises `BadValue` for text of any other form; what it lets through is
safe inside a quoted string of nginx.conf."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """One annotation, named without its prefix.

    `default` is what holds where nobody says; `setting`: the ConfigMap's key of the same name decides it for everybody.
    `restricts`: it keeps somebody out, so a value that cannot be honoured closes the paths. `differs`: in what it does
    something else than in ingress-nginx.
    """

    name: str
    read: Reader
    doc: str
    scope: Scope = Scope.LOCATION
    risk: Risk = Risk.LOW
    default: Any = None
    setting: bool = False
    restricts: bool = False
    differs: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A key of the ConfigMap alone. `restricts`: a value that cannot be honoured closes everything.

    `contents`: the value names another ConfigMap, whose data this reads; it raises `BadValue`.
    """

    name: str
    read: Reader
    default: Any = None
    restricts: bool = False
    differs: str = ""
    contents: Callable[[Mapping[str, str]], Any] | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """An annotation or a key as it was read: its `value`, or `why` it has none.

    `closes`: the paths, or everything, answer 503 then; else it has no effect. `known`: whether it is supported at all.
    """

    name: str
    value: Any = None
    why: str = ""
    closes: bool = False
    known: bool = True
