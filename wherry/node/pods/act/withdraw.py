"""Waiting until nobody sends a pod that is being deleted new connections.

Who follows the API (proxies, DNS, ingress controllers) hears of it by the pod's EndpointSlices, where its endpoints
turn `terminating`. They are looked at only while pods end: one watch for each namespace where one does. A pod that is
in no slice of the slice controller's waits for nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from wherry.client.interface import Client
from wherry.component.informer import Informer
from wherry.objects import Object
from wherry.objects.meaning.endpoints import endpoints, is_terminating
from wherry.objects.meaning.wellknown import SLICE_MANAGED_BY
from wherry.objects.resource import ENDPOINT_SLICES

MANAGED = f"{SLICE_MANAGED_BY}=endpointslice-controller.k8s.io"
FOLLOWERS_SECONDS = 0.2
"""How long whoever follows the slices may take to act on a change."""


def endpoints_of(uid: str, slices: Iterable[Object]) -> list[Object]:
    """Return the endpoints in `slices` that are the pod `uid`. Pure."""
    return [e for piece in slices for e in endpoints(piece) if (e.get("targetRef") or {}).get("uid") == uid]


@dataclass
class _Followed:
    informer: Informer
    task: asyncio.Task[None]
    waiting: set[asyncio.Event] = field(default_factory=set)

    def changed(self, old: Object | None, new: Object | None) -> None:
        for event in self.waiting:
            event.set()


class EndpointWatch:
    """The EndpointSlices of the namespaces where a pod of this node is ending."""

    def __init__(self, client: Client, tasks: asyncio.TaskGroup):
        self._client = client
        self._tasks = tasks
        self._followed: dict[str, _Followed] = {}

    async def withdrawn(self, pod: Object) -> None:
        """Return when the pod's endpoints are told as terminating, and a moment has passed for that to be heard."""
        async with self._following(pod["metadata"]["namespace"]) as (slices, changed):
            await slices.wait_synced()
            found = endpoints_of(pod["metadata"]["uid"], slices.items())
            if not found:
                return
            while not all(map(is_terminating, found)):
                await changed.wait()
                changed.clear()
                found = endpoints_of(pod["metadata"]["uid"], slices.items())
        await asyncio.sleep(FOLLOWERS_SECONDS)

    @asynccontextmanager
    async def _following(self, namespace: str) -> AsyncIterator[tuple[Informer, asyncio.Event]]:
        followed = self._followed.get(namespace) or self._follow(namespace)
        changed = asyncio.Event()
        followed.waiting.add(changed)
        try:
            yield followed.informer, changed
        finally:
            followed.waiting.discard(changed)
            if not followed.waiting:
                followed.task.cancel()
                del self._followed[namespace]

    def _follow(self, namespace: str) -> _Followed:
        informer = Informer(self._client, ENDPOINT_SLICES, namespace, labels=MANAGED)
        followed = self._followed[namespace] = _Followed(informer, self._tasks.create_task(informer.run()))
        informer.subscribe(followed.changed)
        return followed
