"""ServiceCIDRs: each has a finalizer and says whether it is ready; one that is deleted stays while it is needed.

Source: kubernetes pkg/controller/servicecidrs/servicecidrs_controller.go; KEP-1880.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from wherry.controllers.context import Context
from wherry.controllers.controller import Controller
from wherry.objects import Object, metadata
from wherry.objects.errors import NotFound
from wherry.objects.family import Network, parsed
from wherry.objects.meaning.servicecidrs import READY, is_a_services, networks
from wherry.objects.meaning.wellknown import SERVICE_CIDR_FINALIZER
from wherry.objects.metadata import Key
from wherry.objects.resource import IP_ADDRESSES, SERVICE_CIDRS
from wherry.objects.timestamps import parse, rfc3339

GRACE_SECONDS = 10.0
"""How long after its deletion a range goes at the earliest: by then no API server gives an address of it."""
IN_USE = "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR"


def is_needed(obj: Object, others: Iterable[Object], addresses: Iterable[Object]) -> bool:
    """Tell whether a Service has an address of the ServiceCIDR that is in none of the `others`. Pure."""
    rest = [network for other in others for network in networks(other)]
    alone = [network for network in networks(obj) if not any(_covers(one, network) for one in rest)]
    if not alone:
        return False
    names = (a["metadata"]["name"] for a in addresses if is_a_services(a))
    taken = [address for name in names if (address := parsed(name)) is not None]
    return any(any(a in one for one in alone) and not any(a in one for one in rest) for a in taken)


def _covers(outer: Network, inner: Network) -> bool:
    return outer.version == inner.version and inner.subnet_of(outer)  # type: ignore[arg-type]


class ServiceCIDRController(Controller):
    """Keeps the finalizer and the condition Ready of each ServiceCIDR, and lets go of those that are not needed."""

    name = "servicecidrs"

    def __init__(self, context: Context):
        super().__init__(context)
        self._ranges = context.informer(SERVICE_CIDRS)
        self._addresses = context.informer(IP_ADDRESSES)
        self.watch(SERVICE_CIDRS)
        self._ranges.subscribe(self._reconsider)
        self._addresses.subscribe(self._reconsider)

    async def reconcile(self, key: Key) -> None:
        """Protect a ServiceCIDR and say that it is ready; when it is being deleted, let it go or say why not."""
        obj = self._ranges.get(*key)
        if obj is None:
            return
        with contextlib.suppress(NotFound):
            if metadata.is_being_deleted(obj):
                await self._release(obj)
                return
            finalizers = obj["metadata"].get("finalizers") or []
            if SERVICE_CIDR_FINALIZER not in finalizers:
                await self._patch(obj, {"metadata": {"finalizers": [*finalizers, SERVICE_CIDR_FINALIZER]}})
            if not metadata.is_true(obj, READY):
                await self._tell(obj, "True", "", "Kubernetes Service CIDR is ready")

    async def _release(self, obj: Object) -> None:
        finalizers = obj["metadata"].get("finalizers") or []
        if SERVICE_CIDR_FINALIZER not in finalizers:
            return
        others = [o for o in self._ranges.items() if o is not obj and not metadata.is_being_deleted(o)]
        if is_needed(obj, others, self._addresses.items()):
            await self._tell(obj, "False", "Terminating", IN_USE)
            return
        left = parse(obj["metadata"]["deletionTimestamp"]) + GRACE_SECONDS - self.context.clock()
        if left > 0:
            self.queue.add_after(metadata.key(obj), left)
            return
        rest = [f for f in finalizers if f != SERVICE_CIDR_FINALIZER]
        await self._patch(obj, {"metadata": {"finalizers": rest}})

    async def _tell(self, obj: Object, status: str, reason: str, message: str) -> None:
        old = (obj.get("status") or {}).get("conditions") or []
        new = metadata.set_condition(old, READY, status, reason, message, rfc3339(self.context.clock()))
        if new != old:
            await self._patch(obj, {"status": {"conditions": new}}, subresource="status")

    async def _patch(self, obj: Object, change: Object, subresource: str = "") -> None:
        """Change the object if it is still the one that was looked at; otherwise its event brings us back."""
        version = {"resourceVersion": obj["metadata"]["resourceVersion"]} if not subresource else {}
        if version:
            change = {**change, "metadata": {**change.get("metadata", {}), **version}}
        await self.client.patch(SERVICE_CIDRS, obj["metadata"]["name"], change, subresource=subresource)

    def _reconsider(self, old: Object | None, new: Object | None) -> None:
        """Look again at the ServiceCIDRs that are being deleted: what holds them may have gone, or come."""
        for obj in self._ranges.items():
            if metadata.is_being_deleted(obj):
                self.enqueue(obj)
