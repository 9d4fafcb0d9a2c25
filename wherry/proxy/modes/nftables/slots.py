"""Slots: the endpoints of a route, numbered without a gap so that a random number below their count picks one.

A change moves as few as can be: the others keep their slots, so the kernel's map changes by the change and no more.
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.proxy.endpoint import Endpoint

Slots = tuple[Endpoint, ...]


def place(old: Slots, wanted: Sequence[Endpoint]) -> Slots:
    """Return `wanted` in slots: newcomers take the holes of those that left, the last ones fill what is still open."""
    staying = set(wanted)
    staying.intersection_update(old)
    if not staying:
        return tuple(wanted)
    newcomers = [e for e in wanted if e not in staying]
    slots: list[Endpoint | None] = [e if e in staying else None for e in old]
    slots += [None] * (len(wanted) - len(slots))
    for i, taken in enumerate(slots):
        if taken is None and newcomers:
            slots[i] = newcomers.pop()
    return tuple(_filled(slots, len(wanted)))


def _filled(slots: list[Endpoint | None], count: int) -> list[Endpoint]:
    """Move the endpoints beyond `count` into the holes below it."""
    surplus = [e for e in slots[count:] if e is not None]
    return [e if e is not None else surplus.pop() for e in slots[:count]]
