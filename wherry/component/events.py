"""Events about objects, as `kubectl describe` shows them: recorded without waiting, counted, written in the background.

A component keeps one `EventWriter`, runs it as a task, and gives each of its parts an `EventRecorder`. Recording never
blocks and never fails; what cannot be written is dropped and logged. Repetitions raise the count of one Event, floods
of similar events fold into one, and one object's noise is limited.
Source of the limits and keys: k8s.io/client-go tools/record (event.go, events_cache.go).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, Literal, NamedTuple, TypeVar

from wherry.client.interface import Client
from wherry.objects import Object
from wherry.objects.errors import ApiError, NotFound, ServiceUnavailable, Timeout, TooManyRequests
from wherry.objects.resource import EVENTS, Resource
from wherry.objects.timestamps import rfc3339

log = logging.getLogger(__name__)

EventKind = Literal["Normal", "Warning"]


class Notice(NamedTuple):
    """What an event is to tell of an object: Normal or Warning, a reason, a text."""

    type: EventKind
    reason: str
    text: str


QUEUE_LIMIT = 1000
CACHE_LIMIT = 4096
SIMILAR_LIMIT = 10
SIMILAR_SECONDS = 600.0
BURST = 25
REFILL_SECONDS = 300.0
TRIES = 12
RETRY_SECONDS = 10.0

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Recent(Generic[K, V]):
    """The latest `CACHE_LIMIT` entries."""

    def __init__(self) -> None:
        self._entries: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        return self._entries.get(key)

    def put(self, key: K, value: V) -> None:
        self._entries[key] = value
        self._entries.move_to_end(key)
        while len(self._entries) > CACHE_LIMIT:
            self._entries.popitem(last=False)


class Occurrence(NamedTuple):
    """Something that happened to an object, once, at `at` (seconds since the epoch)."""

    involved: tuple[tuple[str, str], ...]
    source: tuple[str, str]
    kind: EventKind
    reason: str
    message: str
    at: float

    @property
    def namespace(self) -> str:
        """The namespace the Event is written to; what is cluster-scoped is told in `default`."""
        return dict(self.involved).get("namespace") or "default"


@dataclass
class _Similar:
    messages: set[str] = field(default_factory=set)
    last: float = 0.0


@dataclass
class _Budget:
    tokens: float
    at: float


class _Written(NamedTuple):
    name: str
    times: int
    first: float


class Correlator:
    """Decides what becomes of an occurrence: a new Event, one more of a known one, or nothing. No I/O."""

    def __init__(self) -> None:
        self._similar: _Recent[Hashable, _Similar] = _Recent()
        self._budgets: _Recent[Hashable, _Budget] = _Recent()
        self._written: _Recent[Hashable, _Written] = _Recent()
        self._stamp = 0

    def correlate(self, occurrence: Occurrence) -> tuple[Object, bool] | None:
        """Return the Event to write and whether it exists already (its count grew), or None to stay silent."""
        if not self._afford(occurrence):
            return None
        message, key = self._fold(occurrence)
        before = self._written.get(key)
        if before is None:
            written = _Written(self._name(occurrence), 1, occurrence.at)
        else:
            written = before._replace(times=before.times + 1)
        self._written.put(key, written)
        return _event(occurrence, message, written), before is not None

    def _afford(self, occurrence: Occurrence) -> bool:
        """Take from the object's budget: a burst of `BURST`, then one event per `REFILL_SECONDS`."""
        key = (occurrence.source, occurrence.involved)
        budget = self._budgets.get(key) or _Budget(BURST, occurrence.at)
        budget.tokens = min(BURST, budget.tokens + max(0.0, occurrence.at - budget.at) / REFILL_SECONDS)
        budget.at = occurrence.at
        affordable = budget.tokens >= 1
        if affordable:
            budget.tokens -= 1
        self._budgets.put(key, budget)
        return affordable

    def _fold(self, occurrence: Occurrence) -> tuple[str, Hashable]:
        """Return the message to show and the key under which repetitions are counted."""
        group = (occurrence.source, occurrence.involved, occurrence.kind, occurrence.reason)
        similar = self._similar.get(group)
        if similar is None or occurrence.at - similar.last > SIMILAR_SECONDS:
            similar = _Similar()
        similar.last = occurrence.at
        if len(similar.messages) < SIMILAR_LIMIT:
            similar.messages.add(occurrence.message)
        self._similar.put(group, similar)
        if occurrence.message in similar.messages:
            return occurrence.message, (group, occurrence.message)
        return f"(combined from similar events): {occurrence.message}", group

    def _name(self, occurrence: Occurrence) -> str:
        self._stamp = max(self._stamp + 1, int(occurrence.at * 1e9))
        return f"{dict(occurrence.involved)['name']}.{self._stamp:x}"


def _event(occurrence: Occurrence, message: str, written: _Written) -> Object:
    component, host = occurrence.source
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": written.name, "namespace": occurrence.namespace},
        "involvedObject": dict(occurrence.involved),
        "type": occurrence.kind,
        "reason": occurrence.reason,
        "message": message,
        "source": {"component": component, **({"host": host} if host else {})},
        "firstTimestamp": rfc3339(written.first),
        "lastTimestamp": rfc3339(occurrence.at),
        "count": written.times,
        "eventTime": None,
        "reportingComponent": component,
        "reportingInstance": host,
    }


def reference(resource: Resource, obj: Object, field_path: str = "") -> Object:
    """Return the ObjectReference of `obj` for an Event; `field_path` points into it (`spec.containers{web}`)."""
    metadata = obj["metadata"]
    found: Object = {"kind": resource.kind, "apiVersion": resource.api_version, "name": metadata["name"]}
    for name in ("namespace", "uid", "resourceVersion"):
        if metadata.get(name):
            found[name] = metadata[name]
    if field_path:
        found["fieldPath"] = field_path
    return found


class EventRecorder:
    """What a part of a component tells its events to: `source.component` is `component`, `source.host` is `host`."""

    def __init__(self, writer: EventWriter, component: str, host: str = ""):
        self._writer = writer
        self._source = (component, host)

    def event(
        self, resource: Resource, obj: Object, kind: EventKind, reason: str, message: str, *, field_path: str = ""
    ) -> None:
        """Tell that something happened to `obj`, an object of `resource` (`reason` is CamelCase). Returns at once."""
        involved = reference(resource, obj, field_path)
        # A version would make every repetition look new; upstream leaves it out of its keys too.
        involved.pop("resourceVersion", None)
        self._writer.enqueue(
            Occurrence(tuple(involved.items()), self._source, kind, reason, message[:1024], self._writer.clock())
        )


class EventWriter:
    """Writes the events of its recorders while `run` runs. `clock` gives seconds since the epoch."""

    def __init__(self, client: Client, *, clock: Callable[[], float] = time.time):
        self.clock = clock
        self._client = client
        self._correlator = Correlator()
        self._queue: asyncio.Queue[Occurrence] = asyncio.Queue(QUEUE_LIMIT)

    def recorder(self, component: str, host: str = "") -> EventRecorder:
        """Return a recorder that speaks for `component` (on node `host`)."""
        return EventRecorder(self, component, host)

    def enqueue(self, occurrence: Occurrence) -> None:
        """Queue an occurrence; dropped (and logged) when a thousand wait already."""
        try:
            self._queue.put_nowait(occurrence)
        except asyncio.QueueFull:
            log.warning("event dropped, too many wait: reason=%s message=%s", occurrence.reason, occurrence.message)

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            decided = self._correlator.correlate(await self._queue.get())
            if decided is not None:
                await self._write(*decided)

    async def drain(self) -> None:
        """Write what waits now and return: for the end of a component, and for tests."""
        while not self._queue.empty():
            decided = self._correlator.correlate(self._queue.get_nowait())
            if decided is not None:
                await self._write(*decided)

    async def _write(self, event: Object, known: bool) -> None:
        for _ in range(TRIES):
            try:
                await (self._count(event) if known else self._create(event))
            except (ServiceUnavailable, Timeout, TooManyRequests):
                await asyncio.sleep(RETRY_SECONDS)
            except ApiError as error:
                # The namespace may be going away, or we may not be allowed to: nobody waits for an event.
                log.debug("event refused: reason=%s error=%s", event["reason"], error)
                return
            else:
                return
        log.warning("event dropped, server unreachable: reason=%s message=%s", event["reason"], event["message"])

    async def _create(self, event: Object) -> None:
        await self._client.create(EVENTS, event, event["metadata"]["namespace"])

    async def _count(self, event: Object) -> None:
        change = {name: event[name] for name in ("count", "lastTimestamp", "message")}
        metadata = event["metadata"]
        try:
            await self._client.patch(EVENTS, metadata["name"], change, metadata["namespace"])
        except NotFound:
            await self._create(event)
