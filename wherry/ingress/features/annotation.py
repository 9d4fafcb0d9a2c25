"""What an annotation declares about itself."""

from __future__ import annotations

from collections.abc import Callable
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


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation, named without its prefix.

    `read` turns the text into a typed value of the `Policy`; it raises `BadValue` for text of any other form, and what
    it lets through is safe inside a quoted string of nginx.conf.
    """

    name: str
    scope: Scope
    risk: Risk
    doc: str
    read: Callable[[str], Any]
