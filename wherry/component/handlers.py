"""Telling handlers what changed, whatever they do: who raises is told again, alone, until it has taken the object in.

A handler is told (old, new), and `old` is what it *took in* last: after a failure it is not told of versions in
between, nor as if it knew one it raised at. It may have done half of its work then, so it must not mind doing it twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from wherry.component.troubles import Part
from wherry.objects import Object
from wherry.objects.metadata import Key

Handler = Callable[[Object | None, Object | None], None]
"""Called with (old, new): (None, new) added, (old, new) changed, (old, None) deleted. Must not block."""

FAREWELLS = 5
"""How often a handler is told that an object is gone which it never took in: it may have half of it."""


def name_of(handler: Handler) -> str:
    """Return what a handler is called in logs and metrics."""
    while isinstance(handler, partial):
        handler = handler.func
    return getattr(handler, "__qualname__", type(handler).__qualname__).replace(".<locals>", "")


@dataclass(slots=True)
class _Missed:
    """A change that a handler has not taken in: `taken` is the last version it has, `given` the one it raised at."""

    taken: Object | None
    given: Object | None = None
    farewells: int = 0
    pause: float = 0.0


class Listener:
    """One handler, and the objects it is behind with."""

    def __init__(self, handler: Handler, part: Part):
        self.behind: dict[Key, _Missed] = {}
        self._handler = handler
        self._part = part

    def tell(self, key: Key, old: Object | None, new: Object | None) -> bool:
        """Tell what changed since the handler last took the object in; return whether it has now."""
        missed = self.behind.get(key) if self.behind else None
        if missed is not None:
            old = missed.taken if missed.taken is not None or new is not None else missed.given
            if old is None and new is None:
                return self._caught_up(key)
        try:
            self._handler(old, new)
        except Exception as error:  # noqa: BLE001 - a handler's bug must harm nobody else, nor stay unnoticed
            return self._fell_behind(key, missed or _Missed(old), new, error)
        return self._caught_up(key) if missed is not None else True

    def hold(self, key: Key, old: Object | None) -> None:
        """Keep a change back: what the handler leans on is behind itself."""
        self.behind.setdefault(key, _Missed(old))

    def _fell_behind(self, key: Key, missed: _Missed, new: Object | None, error: Exception) -> bool:
        self.behind[key] = missed
        missed.pause = self._part.failed(key, error)
        if new is not None:
            missed.given, missed.farewells = new, 0
        elif missed.taken is None:
            missed.farewells += 1
            if missed.farewells == FAREWELLS:
                return self._caught_up(key)
        return False

    def _caught_up(self, key: Key) -> bool:
        del self.behind[key]
        self._part.succeeded(key)
        return True
