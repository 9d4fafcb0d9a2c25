"""Service with a selector → EndpointSlices."""

from __future__ import annotations

from wherry.controllers.context import Context
from wherry.controllers.controller import Controller
from wherry.controllers.endpointslice.endpoint import wanted
from wherry.controllers.endpointslice.writer import Slices, SliceWriter
from wherry.controllers.servicepods import touched, trigger_time
from wherry.objects import Object, metadata
from wherry.objects.meaning.nodes import zone
from wherry.objects.meaning.services import has_selector, is_headless, selects
from wherry.objects.meaning.wellknown import HEADLESS, SERVICE_NAME, SLICE_MANAGED_BY, TRIGGER_TIME
from wherry.objects.metadata import Key
from wherry.objects.resource import ENDPOINT_SLICES, NODES, PODS, SERVICES

MANAGER = "endpointslice-controller.k8s.io"


class EndpointSliceController(Controller):
    """Keeps the slices of every Service with a selector."""

    name = "endpointslice"

    def __init__(self, context: Context):
        super().__init__(context)
        self._services = context.informer(SERVICES)
        self._services_by_namespace = context.by_namespace(SERVICES)
        self._pods_by_namespace = context.by_namespace(PODS)
        self._pods_by_node = context.pods_by_node()
        self._nodes = context.informer(NODES)
        self._slices_by_owner = context.by_owner(ENDPOINT_SLICES)
        self._writer = SliceWriter(context.client)
        self.watch(SERVICES)
        context.informer(PODS).subscribe(self._pod_changed)
        context.informer(ENDPOINT_SLICES).subscribe(self._slice_changed)
        self._nodes.subscribe(self._node_changed)

    async def reconcile(self, key: Key) -> None:
        """Write what changed in one Service's slices. When the Service goes, the garbage collector takes them."""
        service = self._services.get(*key)
        if service is None:
            self._writer.expectations.forget(key)
            return
        if not has_selector(service) or metadata.is_being_deleted(service):
            return
        pods = [p for p in self._pods_by_namespace.get(key[0]) if selects(service, p)]
        owned = self._slices_by_owner.get(service["metadata"]["uid"])
        existing = [s for s in owned if metadata.labels(s).get(SLICE_MANAGED_BY) == MANAGER]
        common = Slices(key, service, _labels(service), {TRIGGER_TIME: trigger_time(service, pods)})
        if wait := await self._writer.write(common, existing, wanted(service, pods, self._node)):
            self.queue.add_after(key, wait)

    def _node(self, name: str) -> Object | None:
        return self._nodes.get("", name)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        namespace = metadata.key(new or old or {})[0]
        for service in touched(self._services_by_namespace.get(namespace), old, new):
            self.enqueue(service)

    def _slice_changed(self, old: Object | None, new: Object | None) -> None:
        """Somebody else's change of our slice is undone, a deletion made good."""
        piece = new or old or {}
        name = metadata.labels(piece).get(SERVICE_NAME)
        if name and metadata.labels(piece).get(SLICE_MANAGED_BY) == MANAGER:
            key = (piece["metadata"]["namespace"], name)
            self._writer.seen(key, old, new)
            self.queue.add(key)

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        """A node's zone is part of its pods' endpoints."""
        node = new or old or {}
        if _zone(old) == _zone(new):
            return
        for pod in self._pods_by_node.get(node["metadata"]["name"]):
            self._pod_changed(None, pod)


def _zone(node: Object | None) -> str | None:
    return zone(node) if node is not None else None


def _labels(service: Object) -> dict[str, str]:
    labels = {**metadata.labels(service), SERVICE_NAME: service["metadata"]["name"], SLICE_MANAGED_BY: MANAGER}
    labels.pop(HEADLESS, None)
    if is_headless(service):
        labels[HEADLESS] = ""
    return labels
