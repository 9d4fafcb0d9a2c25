"""The objects of Gateway API as the controller sees them, and the statuses it writes to them.

Their kinds are custom resources: they are followed from the moment that a cluster has them and lets us read them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from wherry.component.component import Component
from wherry.component.informer import Informer
from wherry.component.workqueue import WorkQueue
from wherry.ingress.access import may_read
from wherry.ingress.fronts.gateway.resources import CLASSES, GATEWAYS, GRANTS, ROUTES
from wherry.ingress.fronts.gateway.snapshot import Gateways
from wherry.ingress.options import Options
from wherry.ingress.route.problem import Key
from wherry.objects import Object, metadata, timestamps
from wherry.objects.resource import NAMESPACES, Resource

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 5.0
"""How often a cluster without Gateway API is asked whether it has it by now."""

Subject = tuple[str, Key]
"""(kind, key)."""


class GatewayObjects:
    """What is followed. `changed` is called when rules may have become others."""

    def __init__(self, component: Component, options: Options, changed: Callable[[], None]):
        self._component = component
        self._options = options
        self._changed = changed
        self._followed: dict[Resource, Informer] = {}
        self._addresses: tuple[str, ...] = ()
        self._wanted: Mapping[Subject, Any] = {}
        self._queue: WorkQueue[Subject] = component.queue("gateway status")
        component.task("gateway objects", self._begin, forever=False)
        if options.update_status:
            component.task("gateway status", lambda: self._queue.run(self._reconcile))

    @property
    def there(self) -> bool:
        """Whether the cluster has Gateway API."""
        return bool(self._followed)

    def snapshot(self) -> Gateways:
        """Return the objects at this moment, none until all kinds have been read."""
        if not self._followed or any(informer.unsynced() for informer in self._followed.values()):
            return Gateways()
        return Gateways(
            classes=self._items(CLASSES),
            gateways=self._items(GATEWAYS),
            routes=self._items(ROUTES),
            grants=self._items(GRANTS),
            namespaces={metadata.key(o)[1]: metadata.labels(o) for o in self._items(NAMESPACES)},
            addresses=self._addresses,
        )

    def publish(self, addresses: tuple[str, ...]) -> None:
        """Take note of where nginx is reached."""
        if addresses != self._addresses:
            self._addresses = addresses
            if self.there:
                self._changed()

    def tell(self, statuses: Mapping[Subject, Any]) -> None:
        """Have statuses written, where they differ from what objects say; the same ones again cost nothing."""
        if statuses is self._wanted:
            return
        before, self._wanted = self._wanted, statuses
        for subject, status in statuses.items():
            if before.get(subject) != status:
                self._queue.add(subject)

    def _items(self, resource: Resource) -> list[Object]:
        return self._followed[resource].items() if resource in self._followed else []

    # Following

    async def _begin(self) -> None:
        """Wait until there is something to follow, and follow it."""
        client, namespace = self._component.client, self._options.namespace
        while not await may_read(client, CLASSES):  # noqa: ASYNC110 - no watch tells of a kind that is not there yet
            await asyncio.sleep(LOOK_SECONDS)
        wanted = []
        for resource in (CLASSES, GATEWAYS, ROUTES, GRANTS, NAMESPACES):
            if await may_read(client, resource, namespace if resource.namespaced else None):
                wanted.append(resource)
            else:
                log.warning("%s may not be read (see RBAC): Gateways are served without", resource.group_resource)
        log.info("Gateway API is there: following %s", ", ".join(r.plural for r in wanted))
        followed = {r: self._component.follow(r, namespace if r.namespaced else None) for r in wanted}
        await self._component.synced(followed.values())
        self._followed = followed
        for resource, informer in followed.items():
            informer.subscribe(partial(self._seen, resource))
        self._changed()

    def _seen(self, resource: Resource, old: Object | None, new: Object | None) -> None:
        """Pass over what was only written to a status, but for putting that right."""
        if new is not None:
            self._queue.add((resource.kind, metadata.key(new)))
        if old is None or new is None or _asked(old) != _asked(new):
            self._changed()

    # Statuses

    async def _reconcile(self, subject: Subject) -> None:
        kind, key = subject
        resource = next((r for r in self._followed if r.kind == kind), None)
        wanted = self._wanted.get(subject)
        obj = self._followed[resource].get(*key) if resource else None
        if resource is None or obj is None or wanted is None:
            return
        now = timestamps.rfc3339(self._component.clock())
        status = _dated({**(obj.get("status") or {}), **wanted}, obj.get("status") or {}, now)
        if status == obj.get("status"):
            return
        await self._component.client.update(resource, {**obj, "status": status}, subresource="status")
        log.info("status written %s=%s", kind.lower(), "/".join(filter(None, key)))


def _asked(obj: Object) -> tuple[object, ...]:
    return obj.get("spec"), metadata.labels(obj), obj["metadata"].get("generation")


def _dated(wanted: Any, there: Any, now: str) -> Any:
    """Return a status with the time of each condition: the one it has, unless its status changes.

    Listeners are told apart by name, parents by what they refer to.
    """
    if isinstance(wanted, Mapping):
        had = there if isinstance(there, Mapping) else {}
        dated = {key: _dated(value, had.get(key), now) for key, value in wanted.items()}
        if "observedGeneration" in dated and "lastTransitionTime" not in dated:
            same = had.get("status") == dated["status"] and "lastTransitionTime" in had
            dated["lastTransitionTime"] = had["lastTransitionTime"] if same else now
        return dated
    if isinstance(wanted, list):
        had_list = there if isinstance(there, list) else []
        return [_dated(one, next((h for h in had_list if _name(h) == _name(one)), None), now) for one in wanted]
    return wanted


def _name(one: Any) -> object:
    """Return what tells an entry of a list apart from others."""
    if not isinstance(one, Mapping):
        return one
    return one.get("type"), one.get("name"), one.get("parentRef"), one.get("controllerName")
