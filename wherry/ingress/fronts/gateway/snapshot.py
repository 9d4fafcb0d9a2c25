"""What Gateways are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wherry.ingress.route.problem import Key
from wherry.objects import Object


@dataclass(frozen=True, slots=True)
class Gateways:
    """The objects of Gateway API at one moment.

    `namespaces` are the labels of each, for listeners that select by them; `addresses` are where nginx is reached.
    """

    classes: Sequence[Object] = ()
    gateways: Sequence[Object] = ()
    routes: Sequence[Object] = ()
    grants: Sequence[Object] = ()
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Others:
    """The other objects that they point at."""

    services: Mapping[Key, Object] = field(default_factory=dict)
    secrets: Mapping[Key, Object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports a listener may have, by protocol: those nginx listens on, and those people reach it by."""

    http: frozenset[int] = frozenset((80,))
    https: frozenset[int] = frozenset((443,))
