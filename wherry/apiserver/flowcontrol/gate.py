"""Where requests wait for a seat."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from functools import cache, partial

from prometheus_client import Counter, Gauge

from wherry.apiserver.flowcontrol.levels import Limits
from wherry.apiserver.flowcontrol.queueing import Full, Level, Ticket
from wherry.apiserver.flowcontrol.schemas import Flow
from wherry.objects.errors import TooManyRequests, details
from wherry.telemetry import metrics

LONGEST_WAIT = 15.0
"""Seconds in a queue: a quarter of a request's time, as upstream."""
RETRY_SECONDS = 1

_BY = ("priority_level", "flow_schema")
_dispatched = metrics.counter("apiserver_flowcontrol_dispatched_requests_total", "Requests that got a seat.", _BY)
_rejected = metrics.counter(
    "apiserver_flowcontrol_rejected_requests_total", "Requests that got none.", (*_BY, "reason")
)
_waited = metrics.histogram(
    "apiserver_flowcontrol_request_wait_duration_seconds", "Time in a queue.", (*_BY, "execute")
)


def _gauge(what: str, help: str) -> Gauge:
    return metrics.gauge(f"apiserver_flowcontrol_{what}", help, ("priority_level",))


_GAUGES = {
    "seats": _gauge("nominal_limit_seats", "Seats a level has."),
    "taken": _gauge("current_executing_seats", "Seats that are taken."),
    "executing": _gauge("current_executing_requests", "Requests that have their seats."),
    "waiting": _gauge("current_inqueue_requests", "Requests that wait for theirs."),
}
"""By attribute of a `Level`."""


class Seat:
    """A seat that is had until it is left, which may be said more than once."""

    __slots__ = ("_gate", "_level", "_ticket")

    def __init__(self, gate: Gate, level: Level, ticket: Ticket):
        self._gate = gate
        self._level = level
        self._ticket: Ticket | None = ticket

    def leave(self) -> None:
        """Give it to who is next."""
        ticket, self._ticket = self._ticket, None
        if ticket is not None:
            self._gate.left(self._level, ticket)


class Gate:
    """The levels of one server, as they are `configured`."""

    def __init__(self, wait: float = LONGEST_WAIT):
        self._levels: dict[str, Level] = {}
        self._wait = wait
        self._woken: dict[Ticket, asyncio.Future[None]] = {}

    def configure(self, limits: Mapping[str, Limits]) -> None:
        """Have these levels from now on. Who waits in one that is no more is answered in his turn all the same."""
        self._levels = {name: self._levels.get(name) or _level(name) for name in limits}
        for name, wanted in limits.items():
            self._wake(self._levels[name].resize(*wanted))

    async def enter(self, flow: Flow, width: int = 1) -> Seat | None:
        """Return a seat, None for who needs none: of a level that has no limits. Raises `TooManyRequests`."""
        level = self._levels.get(flow.level)
        if level is None:
            return None
        try:
            ticket = level.arrive(flow.name, width)
        except Full:
            raise _refused(flow, "queue-full") from None
        if not ticket.granted:
            await self._queued(flow, level, ticket)
        _dispatches(flow.level, flow.schema).inc()
        return Seat(self, level, ticket)

    async def _queued(self, flow: Flow, level: Level, ticket: Ticket) -> None:
        started = time.monotonic()
        woken = self._woken[ticket] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._wait):
                await woken
        except BaseException as error:
            self.left(level, ticket)  # what it was granted meanwhile included
            _waited.labels(flow.level, flow.schema, "false").observe(time.monotonic() - started)
            if isinstance(error, TimeoutError):
                raise _refused(flow, "time-out") from None
            raise
        finally:
            del self._woken[ticket]
        _waited.labels(flow.level, flow.schema, "true").observe(time.monotonic() - started)

    def left(self, level: Level, ticket: Ticket) -> None:
        """Take note that a request needs its seats, or its place, no longer; wake who has them now."""
        self._wake(level.leave(ticket))

    def _wake(self, granted: Iterable[Ticket]) -> None:
        for ticket in granted:
            woken = self._woken[ticket]
            if not woken.done():
                woken.set_result(None)


def _level(name: str) -> Level:
    level = Level(0)
    for attribute, gauge in _GAUGES.items():
        gauge.labels(name).set_function(partial(getattr, level, attribute))
    return level


@cache
def _dispatches(level: str, schema: str) -> Counter:
    return _dispatched.labels(level, schema)


def _refused(flow: Flow, reason: str) -> TooManyRequests:
    _rejected.labels(flow.level, flow.schema, reason).inc()
    text = "too many requests, please try again later"
    return TooManyRequests(text, details=details(retry_after_seconds=RETRY_SECONDS))
