"""Waiting until nobody sends a pod that is being deleted new connections.

Who follows the API (proxies, DNS, ingress controllers) hears of it by the pod's EndpointSlices, where its endpoints
turn `terminating`. They are looked at only while pods end: one watch for each namespace where one does. A pod that is
in no slice of the slice controller's waits for nobody.

Then they need a moment to act, and nobody tells when they have: a proxy may be busy, or still be looking for an API
server that has just come back. So the pod goes on serving as long as it is being connected to.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from wherry.component.component import Component
from wherry.component.informer import Informer
from wherry.node.network.arrivals import Taken
from wherry.objects import Object
from wherry.objects.meaning.endpoints import endpoints, is_ready, is_terminating, service_of
from wherry.objects.meaning.wellknown import SLICE_MANAGED_BY
from wherry.objects.resource import ENDPOINT_SLICES

MANAGED = f"{SLICE_MANAGED_BY}=endpointslice-controller.k8s.io"
QUIET_SECONDS = 1.0
"""How long no new connection must have come. A proxy makes its changes 0.1 s apart, but one that is being replaced
makes none for seconds, and what its old rules send meanwhile comes with pauses."""
LONGEST_LAST_SECONDS = 3.0
"""How long connections may keep the last endpoints of a Service from ending: they are sent connections to their end
(KEP-1669). Where others could take them somebody's rules are old, and only the grace period ends the patience."""


def endpoints_of(uid: str, slices: Iterable[Object]) -> list[Object]:
    """Return the endpoints in `slices` that are the pod `uid`. Pure."""
    return [e for piece in slices for e in endpoints(piece) if (e.get("targetRef") or {}).get("uid") == uid]


@dataclass
class _Followed:
    informer: Informer
    waiting: set[asyncio.Event] = field(default_factory=set)

    def changed(self, old: Object | None, new: Object | None) -> None:
        for event in self.waiting:
            event.set()


class EndpointWatch:
    """The EndpointSlices of the namespaces where a pod of this node is ending."""

    def __init__(self, component: Component):
        self._component = component
        self._followed: dict[str, _Followed] = {}

    async def withdrawn(self, pod: Object, taken: Taken) -> None:
        """Return when the pod's endpoints are told as terminating and it is not being connected to any more."""
        async with self._following(pod["metadata"]["namespace"]) as (slices, changed):
            await slices.wait_synced()
            found = endpoints_of(pod["metadata"]["uid"], slices.items())
            if not found:
                return
            while not all(map(is_terminating, found)):
                await changed.wait()
                changed.clear()
                found = endpoints_of(pod["metadata"]["uid"], slices.items())
            others = _others_serve(pod["metadata"]["uid"], slices.items())
        await _quiet(taken, None if others else LONGEST_LAST_SECONDS)

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
                self._component.unfollow(followed.informer)
                del self._followed[namespace]

    def _follow(self, namespace: str) -> _Followed:
        informer = self._component.follow(ENDPOINT_SLICES, namespace, labels=MANAGED)
        followed = self._followed[namespace] = _Followed(informer)
        informer.subscribe(followed.changed)
        return followed


def _others_serve(uid: str, slices: Iterable[Object]) -> bool:
    """Return whether each Service of the pod `uid` has another endpoint that is ready."""
    slices = list(slices)
    own = {service_of(piece) for piece in slices if endpoints_of(uid, [piece])}
    ready = {service_of(p) for p in slices if any(is_ready(e) and not is_terminating(e) for e in endpoints(p))}
    return own <= ready


async def _quiet(taken: Taken, longest: float | None) -> None:
    """Return when no connection has come for a while, or this has taken too long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(longest):
            while True:
                before = taken()
                await asyncio.sleep(QUIET_SECONDS)
                if taken() <= before:
                    return
