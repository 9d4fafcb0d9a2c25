"""A `Client` that keeps no promise: any call raises, watches break off, and objects raise when they are read.

It stands in front of another client. `calm` ends it: from then on everything works, and what was handed out reads well.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from wherry.client.interface import Client, ObjectList, WatchEvent
from wherry.objects import Object
from wherry.objects import errors as api
from wherry.objects.resource import Resource

PLANNED: tuple[Callable[[], Exception], ...] = (
    lambda: api.Conflict("raced"),
    lambda: api.InternalError("disk"),
    lambda: api.ServiceUnavailable("restarting"),
    lambda: api.TooManyRequests("later"),
    lambda: api.Timeout("too slow"),
    lambda: api.Expired("too old"),
    lambda: OSError("cable"),
)
UNPLANNED: tuple[Callable[[], BaseException], ...] = (
    lambda: RuntimeError("bug"),
    lambda: KeyError("metadata"),
    lambda: AttributeError("'NoneType' object has no attribute 'get'"),
    lambda: asyncio.CancelledError("not by you"),
)


class Chaos:
    """What goes wrong, by `seed`: `calls` and `reads` are the shares of calls and of look-ups in objects that do."""

    def __init__(self, seed: int, calls: float = 0.15, reads: float = 0.005):
        self.dice = random.Random(seed)
        self.is_calm = False
        self.harm = 0
        self._calls = calls
        self._reads = reads

    def calm(self) -> None:
        """End it."""
        self.is_calm = True

    def call(self) -> None:
        """Perhaps raise what a call may, or what it may not."""
        if not self.is_calm and self.dice.random() < self._calls:
            self.harm += 1
            raise self.dice.choice(PLANNED if self.dice.random() < 0.6 else UNPLANNED)()

    def read(self) -> None:
        """Perhaps raise at a look into an object."""
        if not self.is_calm and self.dice.random() < self._reads:
            self.harm += 1
            raise RuntimeError("this object cannot be read")

    def hurts(self, share: float) -> bool:
        """Return whether something else goes wrong that does in this share of cases."""
        return not self.is_calm and self.dice.random() < share


class Explosive(dict[str, Any]):
    """An object that may raise when it is read."""

    chaos: Chaos

    def __getitem__(self, key: str) -> Any:
        self.chaos.read()
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.chaos.read()
        return super().get(key, default)


def explosive(value: Any, chaos: Chaos) -> Any:
    """Return a JSON value whose objects may raise when they are read."""
    if isinstance(value, dict):
        made = Explosive({k: explosive(v, chaos) for k, v in value.items()})
        made.chaos = chaos
        return made
    return [explosive(v, chaos) for v in value] if isinstance(value, list) else value


def plain(value: Any) -> Any:
    """Return a JSON value without surprises."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list) else value


class ChaosClient:
    """A `Client` in front of `real`. A write may raise before it was done, or after."""

    def __init__(self, real: Client, chaos: Chaos):
        self._real = real
        self._chaos = chaos

    async def _through(self, call: Awaitable[Any]) -> Any:
        try:
            self._chaos.call()
        except BaseException:
            call.close()  # type: ignore[attr-defined]
            raise
        answer = await call
        self._chaos.call()
        return explosive(answer, self._chaos)

    async def get(self, *args: Any, **given: Any) -> Object:
        return await self._through(self._real.get(*args, **given))

    async def list(self, *args: Any, **given: Any) -> ObjectList:
        self._chaos.call()
        page = await self._real.list(*args, **given)
        self._chaos.call()
        return page._replace(items=[explosive(obj, self._chaos) for obj in page.items])

    async def watch(self, *args: Any, **given: Any) -> AsyncIterator[WatchEvent]:
        self._chaos.call()
        async for event in self._real.watch(*args, **given):
            if self._chaos.hurts(0.05):
                return
            self._chaos.call()
            yield event._replace(object=explosive(event.object, self._chaos))

    async def resources(self) -> AsyncGenerator[Sequence[Resource], None]:
        self._chaos.call()
        async with contextlib.aclosing(self._real.resources()) as told:
            async for resources in told:
                self._chaos.call()
                # A server part of whose groups does not answer names fewer.
                named = [r for r in resources if not self._chaos.hurts(0.1)]
                yield named
                if len(named) < len(resources) or self._chaos.hurts(0.5):
                    return

    async def create(self, resource: Any, obj: Object, *args: Any, **given: Any) -> Object:
        return await self._through(self._real.create(resource, plain(obj), *args, **given))

    async def update(self, resource: Any, obj: Object, **given: Any) -> Object:
        return await self._through(self._real.update(resource, plain(obj), **given))

    async def patch(self, resource: Any, name: str, patch: Any, *args: Any, **given: Any) -> Object:
        return await self._through(self._real.patch(resource, name, plain(patch), *args, **given))

    async def delete(self, *args: Any, **given: Any) -> None:
        await self._through(self._real.delete(*args, **given))

    async def close(self) -> None:
        await self._real.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)
