"""Where requests wait for a seat."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from functools import cache, partial

from prometheus_client import Counter, Gauge

from wherry.apiserver.flowcontrol.classify import EXEMPT, SEATS, Flow
from wherry.apiserver.flowcontrol.queueing import Full, Level, Ticket
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
    """The levels of one server; `seats` is how many each has."""

    def __init__(self, seats: Mapping[str, int] = SEATS, wait: float = LONGEST_WAIT):
        self._levels = {name: Level(count) for name, count in seats.items()}
        self._wait = wait
        self._woken: dict[Ticket, asyncio.Future[None]] = {}
        for name, level in self._levels.items():
            for attribute, gauge in _GAUGES.items():
                gauge.labels(name).set_function(partial(getattr, level, attribute))

    async def enter(self, flow: Flow, width: int = 1) -> Seat | None:
        """Return a seat, None for who needs none; raises `TooManyRequests`."""
        if flow.level == EXEMPT:
            return None
        level = self._levels[flow.level]
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
        for granted in level.leave(ticket):
            woken = self._woken[granted]
            if not woken.done():
                woken.set_result(None)


@cache
def _dispatches(level: str, schema: str) -> Counter:
    return _dispatched.labels(level, schema)


def _refused(flow: Flow, reason: str) -> TooManyRequests:
    _rejected.labels(flow.level, flow.schema, reason).inc()
    text = "too many requests, please try again later"
    return TooManyRequests(text, details=details(retry_after_seconds=RETRY_SECONDS))
