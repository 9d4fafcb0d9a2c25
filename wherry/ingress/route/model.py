"""The model: the wanted nginx, of which `structure` is what nginx.conf says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wherry.ingress.route.backend import BackendRef
from wherry.ingress.route.certificate import Certificate
from wherry.ingress.route.passed import Passed
from wherry.ingress.route.problem import Key, Problem, Subject
from wherry.ingress.route.server import Server
from wherry.ingress.route.stream import Stream
from wherry.ingress.settings import Settings, usual


@dataclass(frozen=True, slots=True)
class Structure:
    """What nginx.conf says: a change here is a reload.

    `passing`: whether hosts may be passed through. nginx then listens inside all the time, so that connections of the
    workers before are still taken when the last such host goes.
    """

    servers: tuple[Server, ...] = ()
    streams: tuple[Stream, ...] = ()
    passing: bool = False
    passed: tuple[Passed, ...] = ()
    settings: Settings = field(default_factory=usual)


@dataclass(frozen=True, slots=True)
class Model:
    """The wanted nginx, but for endpoints: those are `backend.resolve` of each of `backends`.

    `certificates` are by host; hosts with TLS that are not in it get the default certificate. `ours` are the Ingresses
    this controller serves; `users` says which of them point at a backend.
    """

    structure: Structure = field(default_factory=Structure)
    certificates: Mapping[str, Certificate] = field(default_factory=dict)
    backends: frozenset[BackendRef] = frozenset()
    users: Mapping[BackendRef, tuple[Subject, ...]] = field(default_factory=dict)
    ours: tuple[Key, ...] = ()
    problems: tuple[Problem, ...] = ()
    routes: Mapping[str, Any] = field(default_factory=dict)
    """What Lua is told of locations (`data.py`)."""
    statuses: Mapping[tuple[str, Key], Any] = field(default_factory=dict)
    """What statuses are to say, by kind and key; without the times of conditions."""
