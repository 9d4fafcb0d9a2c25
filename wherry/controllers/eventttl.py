"""Events are forgotten an hour after they last happened (upstream gives them a lease in etcd; our store has none)."""

from __future__ import annotations

import contextlib

from wherry.controllers.context import Context
from wherry.controllers.controller import Controller
from wherry.objects import Object
from wherry.objects.errors import Conflict, NotFound
from wherry.objects.metadata import Key
from wherry.objects.resource import EVENTS
from wherry.objects.timestamps import parse


def last_seen(event: Object) -> float:
    """Return when an Event last happened (seconds since the epoch), in either API's fields."""
    times = (
        event.get("lastTimestamp"),
        event.get("eventTime"),
        (event.get("series") or {}).get("lastObservedTime"),
        event["metadata"].get("creationTimestamp"),
    )
    return max((parse(t) for t in times if t), default=0.0)


class EventTTLController(Controller):
    """Deletes Events that are older than `config.event_ttl`."""

    name = "eventttl"

    def __init__(self, context: Context):
        super().__init__(context)
        self._events = context.informer(EVENTS)
        self.watch(EVENTS)

    async def reconcile(self, key: Key) -> None:
        """Delete one Event when its time has come, else come back then."""
        event = self._events.get(*key)
        if event is None:
            return
        left = last_seen(event) + self.context.config.event_ttl - self.context.clock()
        if left > 0:
            self.queue.add_after(key, left)
            return
        with contextlib.suppress(NotFound, Conflict):
            await self.client.delete(EVENTS, key[1], key[0], uid=event["metadata"]["uid"])
