"""A queue of keys: each key at most once, never two workers on one key, failures retried with back-off.

Same promises as client-go's workqueue: a key added while it is being worked on is worked on again afterwards.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from wherry.component.backoff import Backoff
from wherry.component.supervise import told_to_end
from wherry.component.troubles import Troubles
from wherry.objects.errors import ApiError, Conflict
from wherry.telemetry import metrics

log = logging.getLogger(__name__)

# client-go's names (util/workqueue/metrics.go), so that dashboards of controllers find them.
DEPTH = metrics.gauge("workqueue_depth", "Keys waiting.", ["name"])
ADDS = metrics.counter("workqueue_adds_total", "Keys queued.", ["name"])
RETRIES = metrics.counter("workqueue_retries_total", "Keys put back after a failure.", ["name"])
WORK_SECONDS = metrics.histogram("workqueue_work_duration_seconds", "Time to work on a key, in seconds.", ["name"])

K = TypeVar("K", bound=Hashable)

FIRST_RETRY_SECONDS = 0.005
LONGEST_RETRY_SECONDS = 60.0


def _patience() -> Backoff:
    return Backoff(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS)


class WorkQueue(Generic[K]):
    """Keys waiting for `run`'s workers. `name` is what the log calls it; bugs are told to `troubles`."""

    def __init__(self, name: str, troubles: Troubles | None = None):
        self._name = name
        self._part = (troubles or Troubles()).part(f"queue {name}", _patience)
        self._ready: asyncio.Queue[K] = asyncio.Queue()
        self._dirty: set[K] = set()
        self._working: set[K] = set()
        self._failures: dict[K, Backoff] = {}
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._adds, self._retries = ADDS.labels(name), RETRIES.labels(name)
        self._work_seconds = WORK_SECONDS.labels(name)
        DEPTH.labels(name).set_function(self.__len__)

    def __len__(self) -> int:
        """Return how many keys wait."""
        return self._ready.qsize()

    def add(self, key: K) -> None:
        """Queue `key`, unless it waits already."""
        if key in self._dirty:
            return
        self._dirty.add(key)
        self._adds.inc()
        if key not in self._working:
            self._ready.put_nowait(key)

    def add_after(self, key: K, seconds: float) -> None:
        """Queue `key` in `seconds`; of several delays for one key the shortest counts.

        So a reconcile may ask to be called again each time it runs, however often that is.
        """
        if seconds <= 0:
            self.add(key)
            return
        loop = asyncio.get_running_loop()
        waiting = self._timers.get(key)
        if waiting is not None:
            if waiting.when() <= loop.time() + seconds:
                return
            waiting.cancel()
        self._timers[key] = loop.call_later(seconds, self._due, key)

    def _due(self, key: K) -> None:
        del self._timers[key]
        self.add(key)

    async def run(self, reconcile: Callable[[K], Awaitable[None]], workers: int = 1) -> None:
        """Hand keys to `reconcile` until cancelled; whatever it raises, the key comes back, and the others go on.

        An `ApiError` or `OSError` is the world's doing; anything else is a bug, and told as such.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(self._work(reconcile))
        finally:
            for timer in self._timers.values():
                timer.cancel()
            self._timers.clear()

    async def _work(self, reconcile: Callable[[K], Awaitable[None]]) -> None:
        while True:
            key = await self._ready.get()
            self._dirty.discard(key)
            self._working.add(key)
            try:
                with self._work_seconds.time():
                    await reconcile(key)
                self._failures.pop(key, None)
                self._part.succeeded(key)
            except (ApiError, OSError) as error:
                self._part.succeeded(key)
                self._retry(key, error)
            except (Exception, asyncio.CancelledError) as error:  # one bad key must not end the work on the others
                if told_to_end():
                    raise
                self.add_after(key, self._part.failed(key, error))
            finally:
                self._working.discard(key)
                if key in self._dirty:
                    self._ready.put_nowait(key)
            await asyncio.sleep(
                0
            )  # neither `get` nor a reconcile need have waited: keys that never end must starve nobody

    def _retry(self, key: K, error: Exception) -> None:
        self._retries.inc()
        pause = self._failures.setdefault(key, _patience()).failed()
        level = logging.DEBUG if isinstance(error, Conflict) else logging.WARNING
        log.log(level, "%s: %s failed, again in %.3f s: %s", self._name, key, pause, error)
        self.add_after(key, pause)
