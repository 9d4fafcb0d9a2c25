"""Service → Endpoints: the ready and the unready addresses of its pods, in the older of the two endpoint APIs.

Source: upstream pkg/controller/endpoint/endpoints_controller.go, pkg/api/v1/endpoints/util.go (`RepackSubsets`).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from ipaddress import ip_address

from wherry.controllers.context import Context
from wherry.controllers.controller import Controller
from wherry.controllers.podcontrol import is_namespace_terminating
from wherry.controllers.servicepods import (
    address,
    hostname,
    is_reachable,
    node_name,
    ports,
    target_reference,
    touched,
    trigger_time,
)
from wherry.objects import Object, metadata
from wherry.objects.errors import ApiError, NotFound
from wherry.objects.meaning.pods import is_ready
from wherry.objects.meaning.services import families, has_selector, is_headless, publishes_unready, selects
from wherry.objects.meaning.wellknown import ENDPOINTS_MANAGED_BY, HEADLESS, OVER_CAPACITY, TRIGGER_TIME
from wherry.objects.metadata import Key
from wherry.objects.resource import ENDPOINTS, PODS, SERVICES

MANAGER = "endpoint-controller"
MOST_ADDRESSES = 1000


def subsets(service: Object, pods: Sequence[Object]) -> list[Object]:
    """Return the subsets for the Service's pods: addresses with the same ports together, sorted by address."""
    everybody = publishes_unready(service)
    family = families(service)[0]
    groups: dict[str, Object] = {}
    for pod in pods:
        found = address(pod, family)
        here = ports(service, pod)
        if not found or not is_reachable(pod, terminating=everybody) or (service["spec"].get("ports") and not here):
            continue
        group = groups.setdefault(json.dumps(here, sort_keys=True), {"ports": here})
        side = "addresses" if everybody or is_ready(pod) else "notReadyAddresses"
        group.setdefault(side, []).append(_address(service, pod, found))
    return [_sorted(groups[name]) for name in sorted(groups)]


def _address(service: Object, pod: Object, ip: str) -> Object:
    made: Object = {"ip": ip, "targetRef": target_reference(pod)}
    if node := node_name(pod):
        made["nodeName"] = node
    if name := hostname(service, pod):
        made["hostname"] = name
    return made


def _sorted(group: Object) -> Object:
    result: Object = {}
    for side in ("addresses", "notReadyAddresses"):
        if group.get(side):
            result[side] = sorted(group[side], key=lambda a: (ip_address(a["ip"]).packed, a["targetRef"]["uid"]))
    if group["ports"]:
        result["ports"] = [{k: v for k, v in p.items() if v} for p in group["ports"]]  # no name: left out here
    return result


def truncated(found: list[Object]) -> tuple[list[Object], bool]:
    """Return the subsets with at most a thousand addresses, ready ones first to stay, and whether any was cut off."""
    room, cut, result = MOST_ADDRESSES, False, metadata.copy(found)
    for side in ("addresses", "notReadyAddresses"):
        for subset in result:
            if side in subset:
                cut = cut or len(subset[side]) > room
                subset[side] = subset[side][:room]
                room -= len(subset[side])
                if not subset[side]:
                    del subset[side]
    return [s for s in result if "addresses" in s or "notReadyAddresses" in s], cut


def desired(service: Object, pods: Sequence[Object], current: Object | None) -> Object:
    """Return the Endpoints object for a Service with a selector; `current` itself when it is right already."""
    found, cut = truncated(subsets(service, pods))
    labels = {**metadata.labels(service), ENDPOINTS_MANAGED_BY: MANAGER}
    labels.pop(HEADLESS, None)
    if is_headless(service):
        labels[HEADLESS] = ""
    if current is not None and (current.get("subsets") or []) == found and metadata.labels(current) == labels:
        return current
    meta = dict((current or {}).get("metadata") or {})
    annotations = {k: v for k, v in (meta.get("annotations") or {}).items() if k != OVER_CAPACITY}
    annotations[TRIGGER_TIME] = trigger_time(service, pods)
    if cut:
        annotations[OVER_CAPACITY] = "truncated"
    meta |= {"name": service["metadata"]["name"], "namespace": service["metadata"]["namespace"]}
    meta |= {"labels": labels, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": meta, "subsets": found}


class EndpointsController(Controller):
    """Keeps an Endpoints object beside every Service with a selector."""

    name = "endpoints"

    def __init__(self, context: Context):
        super().__init__(context)
        self._services = context.informer(SERVICES)
        self._services_by_namespace = context.by_namespace(SERVICES)
        self._pods_by_namespace = context.by_namespace(PODS)
        self._endpoints = context.informer(ENDPOINTS)
        self._deleted: set[Key] = set()
        self.watch(SERVICES)
        self.watch(ENDPOINTS)
        self._services.subscribe(self._service_changed)
        context.informer(PODS).subscribe(self._pod_changed)

    async def reconcile(self, key: Key) -> None:
        """Create, update or delete one Endpoints object."""
        service, current = self._services.get(*key), self._endpoints.get(*key)
        if service is None:
            await self._remove(key, current)
        elif has_selector(service) and not metadata.is_being_deleted(service):
            pods = [p for p in self._pods_by_namespace.get(key[0]) if selects(service, p)]
            wanted = desired(service, pods, current)
            if wanted is not current:
                await self._write(wanted, new=current is None)

    async def _write(self, wanted: Object, *, new: bool) -> None:
        if not new:
            await self.client.update(ENDPOINTS, wanted)
            return
        try:
            await self.client.create(ENDPOINTS, wanted, wanted["metadata"]["namespace"])
        except ApiError as error:
            if not is_namespace_terminating(error):
                raise

    async def _remove(self, key: Key, current: Object | None) -> None:
        """Take away what a Service leaves behind; hand-made Endpoints that were there before it are left alone."""
        ours = current is not None and metadata.labels(current).get(ENDPOINTS_MANAGED_BY) == MANAGER
        if current is not None and (ours or key in self._deleted):
            with contextlib.suppress(NotFound):
                await self.client.delete(ENDPOINTS, key[1], key[0], uid=current["metadata"]["uid"])
        self._deleted.discard(key)

    def _service_changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and new is None:
            self._deleted.add(metadata.key(old))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        namespace = metadata.key(new or old or {})[0]
        for service in touched(self._services_by_namespace.get(namespace), old, new):
            self.enqueue(service)
