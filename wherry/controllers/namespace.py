"""A namespace being deleted: everything in it goes, then its finalizer, and with that the namespace.

Pods go first, and everything else waits for them, so that no policy or credential vanishes under a running pod
(KEP-5080). Source: upstream pkg/controller/namespace/deletion (namespaced_resources_deleter.go,
status_condition_utils.go).
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence

from wherry.controllers.context import Context
from wherry.controllers.controller import Controller
from wherry.objects import Object, metadata
from wherry.objects.errors import MethodNotAllowed, NotFound
from wherry.objects.metadata import Key, set_condition
from wherry.objects.resource import EVENTS, NAMESPACES, PODS, Resource
from wherry.objects.timestamps import rfc3339

FINALIZER = "kubernetes"


def terminating_status(namespace: Object, left: Mapping[Resource, Sequence[Object]], now: float) -> Object:
    """Return the status of a namespace being deleted, telling what is `left` in it and what holds that."""
    status = namespace.get("status") or {}
    counts = ", ".join(f"{r.group_resource} has {len(o)} resource instances" for r, o in left.items() if o)
    holders = Counter(f for found in left.values() for o in found for f in o["metadata"].get("finalizers") or ())
    held = ", ".join(f"{name} in {n} resource instances" for name, n in sorted(holders.items()))
    at = rfc3339(now)
    conditions = list(status.get("conditions") or ())
    conditions = set_condition(
        conditions,
        "NamespaceContentRemaining",
        "True" if counts else "False",
        "SomeResourcesRemain" if counts else "ContentRemoved",
        f"Some resources are remaining: {counts}" if counts else "All content successfully removed",
        at,
    )
    conditions = set_condition(
        conditions,
        "NamespaceFinalizersRemaining",
        "True" if held else "False",
        "SomeFinalizersRemain" if held else "ContentHasNoFinalizers",
        f"Some content in the namespace has finalizers remaining: {held}"
        if held
        else "All content-preserving finalizers finished",
        at,
    )
    return status | {"phase": "Terminating", "conditions": conditions}


class NamespaceController(Controller):
    """Empties and finalizes namespaces that are being deleted."""

    name = "namespace"

    def __init__(self, context: Context):
        super().__init__(context)
        self._namespaces = context.informer(NAMESPACES)
        self.watch(NAMESPACES)
        context.everything.subscribe(self._content_changed, self._set_changed)

    async def reconcile(self, key: Key) -> None:
        """Delete what is left; when nothing is, let the namespace go."""
        namespace = self._namespaces.get(*key)
        if namespace is None or not metadata.is_being_deleted(namespace):
            return
        finalizers = (namespace.get("spec") or {}).get("finalizers") or []
        if FINALIZER not in finalizers:
            return
        name = key[1]
        left: dict[Resource, list[Object]] = {PODS: await self._empty(PODS, name)}
        if not left[PODS]:
            left |= {resource: await self._empty(resource, name) for resource in await self._others()}
        if any(left.values()):
            await self._tell(namespace, left)  # the end of the last one brings us back
            return
        rest = [f for f in finalizers if f != FINALIZER]
        spec = (namespace.get("spec") or {}) | {"finalizers": rest}
        with contextlib.suppress(NotFound):
            await self.client.update(NAMESPACES, namespace | {"spec": spec}, subresource="finalize")

    async def _others(self) -> list[Resource]:
        """Return every resource but pods that a namespace may have just now; Events last: they tell of the others."""
        async with contextlib.aclosing(self.client.resources()) as told:
            served = await anext(told)
        others = [r for r in served if r.namespaced and r not in (PODS, EVENTS)]
        return [*others, *(r for r in served if r == EVENTS)]

    async def _empty(self, resource: Resource, namespace: str) -> list[Object]:
        """Delete every object of a resource, and return those that stay: for a finalizer, or to end gracefully."""
        try:
            found = (await self.client.list(resource, namespace)).items
        except (NotFound, MethodNotAllowed):
            return []  # not served here
        for obj in found:
            if not metadata.is_being_deleted(obj):
                with contextlib.suppress(NotFound):
                    await self.client.delete(
                        resource, obj["metadata"]["name"], namespace, propagation_policy="Background"
                    )
        return (await self.client.list(resource, namespace)).items if found else []

    async def _tell(self, namespace: Object, left: Mapping[Resource, Sequence[Object]]) -> None:
        status = terminating_status(namespace, left, self.context.clock())
        if status != namespace.get("status"):
            with contextlib.suppress(NotFound):
                await self.client.update(NAMESPACES, namespace | {"status": status}, subresource="status")

    def _set_changed(self, added: Sequence[Resource]) -> None:
        """Look again at what is ending: what held a namespace may be served no more."""
        for namespace in self._namespaces.items():
            if metadata.is_being_deleted(namespace):
                self.enqueue(namespace)

    def _content_changed(self, resource: Resource, old: Object | None, new: Object | None) -> None:
        if new is not None or old is None:
            return
        namespace = self._namespaces.get("", old["metadata"].get("namespace", ""))
        if namespace is not None and metadata.is_being_deleted(namespace):
            self.enqueue(namespace)
