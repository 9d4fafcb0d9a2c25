"""What fails in a component just now: logged when it begins, counted, shown by readiness until it is over.

A component is made of parts (a handler, a queue, a task), and a part works on keys (an object's, a queue's). What
raises something nobody planned for is in trouble: its part says for how long to leave it alone, and the others go on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from wherry.component.backoff import Backoff
from wherry.telemetry import metrics

log = logging.getLogger(__name__)

FAILURES = metrics.counter(
    "wherry_component_failures_total", "Exceptions nobody planned for, by where they came from.", ["component", "part"]
)
TROUBLES = metrics.gauge("wherry_component_troubles", "What fails just now and is tried again.", ["component"])

FIRST_SECONDS = 0.1
LONGEST_SECONDS = 30.0


@dataclass(slots=True)
class _Failing:
    error: BaseException
    backoff: Backoff


class Part:
    """One part of a component, and which of its keys fail just now. `backoff` makes the pauses of one key."""

    def __init__(self, name: str, component: str, backoff: Callable[[], Backoff]):
        self.name = name
        self._backoff = backoff
        self._failing: dict[Hashable, _Failing] = {}
        self._failures = FAILURES.labels(component, name)

    def count(self) -> int:
        """Return how many keys fail."""
        return len(self._failing)

    def failed(self, key: Hashable, error: BaseException) -> float:
        """Take note that `key` raised; return the pause before it is tried again."""
        pause = self.note(key, error).failed()
        log.debug("%s failed%s, again in %.3f s: %r", self.name, _at(key), pause, error)
        return pause

    def note(self, key: Hashable, error: BaseException) -> Backoff:
        """Take note that `key` raised, for who makes pauses another way."""
        self._failures.inc()
        failing = self._failing.get(key)
        if failing is None:
            failing = self._failing[key] = _Failing(error, self._backoff())
            log.error("%s failed%s, it is tried again until it works: %r", self.name, _at(key), error, exc_info=error)
        failing.error = error
        return failing.backoff

    def succeeded(self, key: Hashable) -> None:
        """Take note that `key` works, or is no longer there to fail."""
        if self._failing and self._failing.pop(key, None) is not None:
            log.info("%s works again%s", self.name, _at(key))

    def stalled(self) -> str | None:
        """Return why the part as a whole fails, or None: that one object makes it fail stops no other."""
        whole = self._failing.get("")
        return f"{self.name} fails: {whole.error!r}" if whole is not None else None

    def problem(self) -> str | None:
        """Return what fails, in one line, or None."""
        for key, failing in self._failing.items():
            more = f" and {self.count() - 1} more" if self.count() > 1 else ""
            return f"{self.name} fails{_at(key)}{more}: {failing.error!r}"
        return None


class Troubles:
    """The parts of a component. `stalled` is a health check: it is ready while none of them fails as a whole."""

    def __init__(self, component: str = "wherry"):
        self.component = component
        self._parts: list[Part] = []
        TROUBLES.labels(component).set_function(self.count)

    def count(self) -> int:
        """Return how many things fail."""
        return sum(part.count() for part in self._parts)

    def part(self, name: str, backoff: Callable[[], Backoff] | None = None) -> Part:
        """Return a new part; `backoff` makes the pauses of each of its keys (0.1 s, doubled up to 30 s)."""
        part = Part(name, self.component, backoff or _usual)
        self._parts.append(part)
        return part

    def drop(self, part: Part) -> None:
        """Forget a part that has ended."""
        if part in self._parts:
            self._parts.remove(part)

    def stalled(self) -> str | None:
        """Return which parts fail as a whole, or None: a health check."""
        return "; ".join(text for part in self._parts if (text := part.stalled())) or None

    def check(self) -> str | None:
        """Return all that fails, or None."""
        return "; ".join(text for part in self._parts if (text := part.problem())) or None


def _usual() -> Backoff:
    return Backoff(FIRST_SECONDS, LONGEST_SECONDS)


def _at(key: Hashable) -> str:
    if not key:
        return ""
    return f" at {'/'.join(map(str, key))}" if isinstance(key, tuple) else f" at {key}"
