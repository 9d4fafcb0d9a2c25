"""Hand-made Endpoints of a Service without a selector → EndpointSlices, which is all that proxies and DNS look at.

Source: upstream pkg/controller/endpointslicemirroring.
"""

from __future__ import annotations

from wherry.controllers.context import Context
from wherry.controllers.controller import Controller
from wherry.controllers.endpointslice.packing import Wanted
from wherry.controllers.endpointslice.writer import Slices, SliceWriter
from wherry.objects import Object, metadata
from wherry.objects.family import Family, family_of, serves
from wherry.objects.meaning.wellknown import LAST_APPLIED, LEADER, SERVICE_NAME, SKIP_MIRROR, SLICE_MANAGED_BY
from wherry.objects.metadata import Key
from wherry.objects.resource import ENDPOINT_SLICES, ENDPOINTS, SERVICES

MANAGER = "endpointslicemirroring-controller.k8s.io"
MOST_PER_SUBSET = 1000


def is_mirrored(endpoints: Object, service: Object | None) -> bool:
    """Return whether slices are to be made of `endpoints`: not where a selector makes them, nor of old leader locks."""
    if service is None or service["spec"].get("selector") or metadata.is_being_deleted(endpoints):
        return False
    return metadata.labels(endpoints).get(SKIP_MIRROR) != "true" and LEADER not in metadata.annotations(endpoints)


def wanted(endpoints: Object) -> list[Wanted]:
    """Return the endpoints of every subset, by address family."""
    found = []
    for subset in endpoints.get("subsets") or ():
        by_family: dict[Family, list[Object]] = {}
        for side, ready in (("addresses", True), ("notReadyAddresses", False)):
            for address in (subset.get(side) or ())[:MOST_PER_SUBSET]:
                if serves(address["ip"]):
                    by_family.setdefault(family_of(address["ip"]), []).append(_endpoint(address, ready))
        ports = [{"name": "", "protocol": "TCP"} | p for p in subset.get("ports") or ()]
        found += [Wanted(family, ports, made) for family, made in by_family.items()]
    return found


def _endpoint(address: Object, ready: bool) -> Object:
    made: Object = {
        "addresses": [address["ip"]],
        "conditions": {"ready": ready, "serving": ready, "terminating": False},
    }
    for name in ("targetRef", "nodeName", "hostname"):
        if address.get(name):
            made[name] = address[name]
    return made


class EndpointSliceMirroringController(Controller):
    """Keeps slices beside hand-made Endpoints."""

    name = "endpointslicemirroring"

    def __init__(self, context: Context):
        super().__init__(context)
        self._services = context.informer(SERVICES)
        self._endpoints = context.informer(ENDPOINTS)
        self._slices_by_owner = context.by_owner(ENDPOINT_SLICES)
        self._writer = SliceWriter(context.client)
        self.watch(ENDPOINTS)
        self.watch(SERVICES)
        context.informer(ENDPOINT_SLICES).subscribe(self._slice_changed)

    async def reconcile(self, key: Key) -> None:
        """Mirror one Endpoints object. When it goes, the garbage collector takes its slices."""
        endpoints = self._endpoints.get(*key)
        if endpoints is None:
            self._writer.expectations.forget(key)
            return
        existing = self._slices_by_owner.get(endpoints["metadata"]["uid"])
        if not is_mirrored(endpoints, self._services.get(*key)):
            for piece in existing:
                await self._writer.delete(key, piece)
            return
        labels = {**metadata.labels(endpoints), SERVICE_NAME: key[1], SLICE_MANAGED_BY: MANAGER}
        annotations = {k: v for k, v in metadata.annotations(endpoints).items() if k != LAST_APPLIED}
        common = Slices(key, endpoints, labels, annotations)
        if wait := await self._writer.write(common, existing, wanted(endpoints)):
            self.queue.add_after(key, wait)

    def _slice_changed(self, old: Object | None, new: Object | None) -> None:
        piece = new or old or {}
        name = metadata.labels(piece).get(SERVICE_NAME)
        if name and metadata.labels(piece).get(SLICE_MANAGED_BY) == MANAGER:
            key = (piece["metadata"]["namespace"], name)
            self._writer.seen(key, old, new)
            self.queue.add(key)
