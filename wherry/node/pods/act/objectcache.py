"""The ConfigMaps and Secrets the node's pods refer to: one watch each, for as long as a pod needs it.

As the kubelet's watch-based managers do: a node asks for single objects by name, never for all of a namespace, so
that it can be given just that right.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from wherry.component.component import Component
from wherry.component.informer import Informer
from wherry.objects import Object
from wherry.objects.podreferences import Reference
from wherry.objects.resource import CONFIG_MAPS, SECRETS

RESOURCES = {"ConfigMap": CONFIG_MAPS, "Secret": SECRETS}

Key = tuple[str, str, str]  # namespace, kind, name
Wake = Callable[[], None]


@dataclass
class _Watched:
    informer: Informer
    known: bool = False
    users: dict[str, Wake] = field(default_factory=dict)


class ObjectCache:
    """Objects by reference. `hold` says what a pod needs; its `wake` is called after every change of one of them."""

    def __init__(self, component: Component):
        self._component = component
        self._watched: dict[Key, _Watched] = {}
        self._held: dict[str, set[Key]] = {}

    async def hold(self, namespace: str, uid: str, references: Iterable[Reference], wake: Wake) -> None:
        """Watch exactly these for pod `uid`; returns when their present state is known."""
        wanted = {(namespace, kind, name) for kind, name in references}
        for key in self._held.get(uid, set()) - wanted:
            self._drop(uid, key)
        self._held[uid] = wanted
        for key in wanted:
            watched = self._watched.get(key) or self._watch(key)
            watched.users[uid] = wake
        await asyncio.gather(*(self._know(self._watched[key]) for key in wanted))

    async def _know(self, watched: _Watched) -> None:
        await watched.informer.wait_synced()
        watched.known = True

    def release(self, uid: str) -> None:
        """Stop watching for pod `uid`."""
        for key in self._held.pop(uid, set()):
            self._drop(uid, key)

    def get(self, namespace: str, kind: str, name: str) -> Object | None:
        """Return an object that is held, or None where there is none of that name."""
        watched = self._watched.get((namespace, kind, name))
        return watched.informer.get(namespace, name) if watched else None

    def _watch(self, key: Key) -> _Watched:
        namespace, kind, name = key
        informer = self._component.follow(RESOURCES[kind], namespace, fields=f"metadata.name={name}")
        watched = _Watched(informer)
        self._watched[key] = watched

        def changed(old: Object | None, new: Object | None) -> None:
            if watched.known:  # the first look is no change
                for wake in list(watched.users.values()):
                    wake()

        informer.subscribe(changed)
        return watched

    def _drop(self, uid: str, key: Key) -> None:
        watched = self._watched.get(key)
        if watched is None:
            return
        watched.users.pop(uid, None)
        if not watched.users:
            self._component.unfollow(watched.informer)
            del self._watched[key]
