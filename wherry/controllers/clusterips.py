"""Cluster IPs: each of a Service's addresses has its IPAddress, and each IPAddress made for a Service has that Service.

The API server writes both in one commit, so there is something to do only when somebody deletes or makes an IPAddress
by hand. Source: kubernetes pkg/registry/core/service/ipallocator/controller/repairip.go; KEP-1880.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from wherry.controllers.context import Context
from wherry.controllers.controller import Controller
from wherry.objects import Object, metadata
from wherry.objects.errors import AlreadyExists, NotFound
from wherry.objects.family import family_of
from wherry.objects.meaning.servicecidrs import address_of, holder, is_a_services
from wherry.objects.meaning.services import cluster_ips
from wherry.objects.metadata import Key
from wherry.objects.resource import IP_ADDRESSES, SERVICES


def addresses(service: Object) -> list[str]:
    """Return a Service's cluster IPs by the names of their IPAddresses."""
    return list(cluster_ips(service))


def is_right(address: Object, service: Object) -> bool:
    """Tell whether an IPAddress says that the Service has it, and is labelled as such. Pure."""
    wanted = address_of(metadata.key(service), address["metadata"]["name"])
    labels = metadata.labels(address)
    ours = metadata.labels(wanted)
    return holder(address) == metadata.key(service) and all(labels.get(name) == ours[name] for name in ours)


class ClusterIPController(Controller):
    """Repairs IPAddresses. A key is ("", address)."""

    name = "clusterips"

    def __init__(self, context: Context):
        super().__init__(context)
        self._services = context.informer(SERVICES)
        self._addresses = context.informer(IP_ADDRESSES)
        self._by_address = context.index(SERVICES, "cluster-ip", addresses)
        self._recorder = context.recorder("ipallocator-repair-controller")
        self.watch(IP_ADDRESSES)
        self._services.subscribe(self._service_changed)

    async def run(self) -> None:
        """Work until cancelled, first on every Service's addresses."""
        for service in self._services.items():
            self._service_changed(None, service)
        await super().run()

    async def reconcile(self, key: Key) -> None:
        """Make the IPAddress of a Service that has the address right; delete one that is said to be a Service's."""
        name = key[1]
        holders = sorted(self._by_address.get(name), key=metadata.key)
        cached = self._addresses.get("", name)
        if cached is not None and any(is_right(cached, service) for service in holders):
            await self._tell_others(name, cached, holders)
        elif holders:
            await self._restore(name, holders[0])
        elif cached is not None and is_a_services(cached):
            await self._remove(cached)

    async def _restore(self, name: str, service: Object) -> None:
        """Put right what the API server says is wrong: one of the caches may be behind the other."""
        try:
            current = await self.client.get(IP_ADDRESSES, name)
        except NotFound:
            current = None
        if current is not None and is_right(current, service):
            return
        why = "is not allocated" if current is None else "has a wrong reference"
        self._warn(service, "ClusterIPNotAllocated", f"Cluster IP [{family_of(name)}]: {name} {why}; repairing")
        with contextlib.suppress(AlreadyExists, NotFound):  # its event brings us back
            if current is not None:
                await self.client.delete(IP_ADDRESSES, name, uid=current["metadata"]["uid"])
            await self.client.create(IP_ADDRESSES, address_of(metadata.key(service), name))

    async def _remove(self, address: Object) -> None:
        """Delete an IPAddress whose Service does not exist, or has it no more."""
        name, key = address["metadata"]["name"], holder(address)
        if key is not None:
            with contextlib.suppress(NotFound):
                service = await self.client.get(SERVICES, key[1], key[0])
                if name in addresses(service):
                    return  # not in our cache yet
        with contextlib.suppress(NotFound):
            await self.client.delete(IP_ADDRESSES, name, uid=address["metadata"]["uid"])

    async def _tell_others(self, name: str, address: Object, holders: Iterable[Object]) -> None:
        for service in holders:
            if not is_right(address, service):
                text = (
                    f"Cluster IP [{family_of(name)}]: {name} was assigned to multiple services; please recreate service"
                )
                self._warn(service, "ClusterIPAlreadyAllocated", text)

    def _warn(self, service: Object, reason: str, message: str) -> None:
        self._recorder.event(SERVICES, service, "Warning", reason, message)

    def _service_changed(self, old: Object | None, new: Object | None) -> None:
        for service in (old, new):
            for address in addresses(service) if service is not None else ():
                self.queue.add(("", address))
