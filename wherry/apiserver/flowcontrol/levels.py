"""The priority levels: how many seats each has, and how many requests may wait for one.

Source: apiserver pkg/util/flowcontrol/apf_controller.go (lockAndDigestConfigObjects).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from wherry.apiserver.flowcontrol.schemas import ADMINISTRATORS
from wherry.objects import Object

SEATS = 200
"""Requests that are answered at the same time, of all levels; upstream's 600 by default. One process answers them all;
more seats only mean a longer way to the front for everybody."""
OF_ADMINISTRATORS = 64
"""Those of administrators besides, who have as many waiting as the longest suggested level."""


class Limits(NamedTuple):
    """What a level has: `seats`; of one flow at most `longest` requests wait, and `most` in all."""

    seats: int
    longest: int
    most: int


_ADMINISTRATORS = Limits(OF_ADMINISTRATORS, 512, 2048)


def read(levels: Iterable[Object], seats: int = SEATS) -> Mapping[str, Limits]:
    """Return what each level has by name; levels that are exempt have none."""
    limited = {level["metadata"]["name"]: (level.get("spec") or {}).get("limited") or {} for level in levels}
    limited = {name: given for name, given in limited.items() if given}
    shares = {name: max(given.get("nominalConcurrencyShares") or 0, 0) for name, given in limited.items()}
    total = sum(shares.values()) or 1
    found = {name: _limits(given, -(-seats * shares[name] // total)) for name, given in limited.items()}
    return {**found, ADMINISTRATORS: _ADMINISTRATORS}


def _limits(given: Object, seats: int) -> Limits:
    queuing = (given.get("limitResponse") or {}).get("queuing")
    if not queuing:
        return Limits(seats, 0, 0)
    length = queuing.get("queueLengthLimit") or 0
    return Limits(seats, length * (queuing.get("handSize") or 0), length * (queuing.get("queues") or 0))
