"""The address in `status.loadBalancer.ingress`: where the controller is to be reached.

It comes from the first of these that gives any: `--publish-status-address`; the Service of `--publish-service`; the
nodes of the controller's own ready pods. Every replica computes the same value from the same objects, and writes only
what differs, so no leader is needed: whoever comes first wins, the others find nothing to do.

The last replica takes its node's address away when it ends: nobody listens there any more. The other addresses were
given by people, and stay.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping

from wherry.component.component import Component
from wherry.component.informer import Informer
from wherry.component.workqueue import WorkQueue
from wherry.ingress.access import patiently
from wherry.ingress.cluster import Cluster
from wherry.ingress.options import Options
from wherry.ingress.route.problem import Key
from wherry.objects import Object, metadata
from wherry.objects.errors import ApiError, Forbidden, NotFound
from wherry.objects.family import parsed
from wherry.objects.meaning import services
from wherry.objects.meaning.pods import host_address, is_ready
from wherry.objects.meaning.wellknown import CONTROLLER_REVISION_HASH, POD_TEMPLATE_GENERATION, POD_TEMPLATE_HASH
from wherry.objects.names import dns_subdomain
from wherry.objects.resource import INGRESSES, PODS

log = logging.getLogger(__name__)

_REVISION_LABELS = (POD_TEMPLATE_HASH, CONTROLLER_REVISION_HASH, POD_TEMPLATE_GENERATION)
"""Labels that tell revisions of one controller apart: replicas may differ in them."""


def service_addresses(service: Object | None) -> list[str]:
    """Return where a Service is reached from outside, else its cluster IP (ingress-nginx' statusAddressFromService)."""
    if service is None:
        return []
    spec = service["spec"]
    if services.is_external_name(service):
        return _meant([spec.get("externalName") or ""])
    entries = services.balancers(service)
    outside = [entry.get("ip") or entry.get("hostname") or "" for entry in entries] + (spec.get("externalIPs") or [])
    found = _meant(outside)
    if found or spec.get("type") == "LoadBalancer":
        return found
    return list(services.cluster_ips(service)[:1])


def pod_addresses(pods: Iterable[Object]) -> list[str]:
    """Return the addresses of the nodes with a ready pod among `pods`."""
    ready = [p for p in pods if is_ready(p) and not metadata.is_being_deleted(p)]
    return [address for p in ready if (address := host_address(p))]


def status_entries(addresses: Iterable[str]) -> list[Object]:
    """Return `status.loadBalancer.ingress` for addresses, sorted and without repetition."""
    return [{"hostname": a} if parsed(a) is None else {"ip": a} for a in sorted(set(addresses))]


def _meant(texts: Iterable[str]) -> list[str]:
    """Return what can be an entry's address or host name: any other would be refused with the whole status."""
    return [str(parsed(text) or text) for text in texts if parsed(text) is not None or not dns_subdomain(text)]


class StatusWriter:
    """Keeps the status of our Ingresses. `ours` tells which those are."""

    def __init__(self, component: Component, options: Options, cluster: Cluster, ours: Callable[[], Iterable[Key]]):
        self._component = component
        self._client = component.client
        self._options = options
        self._cluster = cluster
        self._ours = ours
        self._pods: Informer | None = None
        self._queue: WorkQueue[Key] = component.queue("ingress status")
        cluster.ingresses.subscribe(lambda old, new: self._queue.add(metadata.key(new)) if new else None)
        cluster.services.subscribe(self._service_changed)
        component.task("status", self.run)

    async def run(self) -> None:
        """Write until cancelled."""
        if not self._options.publish_addresses and self._pods is None:
            await self._follow_pods()
        self.refresh()
        await self._queue.run(self._reconcile)

    def refresh(self) -> None:
        """Look at all our Ingresses again: which are ours, or the address, may have changed."""
        self._cluster.gateways.publish(tuple(self._addresses()))
        for key in self._ours():
            self._queue.add(key)

    async def withdraw(self) -> None:
        """Empty the status of our Ingresses if it names our node and no other replica is left; never fails."""
        own = self._own_address()
        for key in self._ours() if own else ():
            ingress = self._cluster.ingresses.get(*key)
            if ingress is not None and _current(ingress) == status_entries([own]):
                try:
                    await self._write(ingress, [])
                except ApiError as error:
                    log.warning("status of %s/%s keeps our address: %s", *key, error)

    async def has_other(self) -> bool:
        """Ask whether another replica on our node is ready now; False where that cannot be told."""
        own = self._pods.get(*self._options.pod) if self._pods is not None and self._options.pod else None
        if own is None:
            return False
        namespace, labels = metadata.key(own)[0], _selector(metadata.labels(own))
        try:
            listed = await self._client.list(PODS, namespace, labels=labels)
        except ApiError:
            return False
        node = own["spec"].get("nodeName")
        others = [p for p in listed.items if metadata.key(p) != metadata.key(own) and p["spec"].get("nodeName") == node]
        return bool(pod_addresses(others))

    def _own_address(self) -> str:
        """Return our node's address if it is what we publish and no other replica has it to publish; else ""."""
        if self._pods is None or self._options.pod is None or self._service_addresses():
            return ""
        others = [p for p in self._pods.items() if metadata.key(p) != self._options.pod]
        own = self._pods.get(*self._options.pod)
        return "" if own is None or pod_addresses(others) else host_address(own)

    async def _follow_pods(self) -> None:
        if self._options.pod is None:
            return
        namespace, name = self._options.pod
        try:
            pod = await patiently(lambda: self._client.get(PODS, name, namespace))
        except (Forbidden, NotFound) as error:
            log.warning(
                "our own pod %s/%s cannot be read: node addresses are not published: %s", namespace, name, error
            )
            return
        pods = self._component.follow(PODS, namespace, labels=_selector(metadata.labels(pod)))
        pods.subscribe(lambda old, new: self.refresh())
        await pods.wait_synced()
        self._pods = pods

    def _service_changed(self, old: Object | None, new: Object | None) -> None:
        if metadata.key(new or old or {}) == self._options.publish_service:
            self.refresh()

    def _addresses(self) -> list[str]:
        if self._options.publish_addresses:
            return list(self._options.publish_addresses)
        return self._service_addresses() or pod_addresses(self._pods.items() if self._pods else ())

    def _service_addresses(self) -> list[str]:
        published = self._options.publish_service
        return service_addresses(self._cluster.services.get(*published)) if published else []

    async def _reconcile(self, key: Key) -> None:
        ingress = self._cluster.ingresses.get(*key)
        if ingress is None or key not in set(self._ours()):
            return
        wanted = status_entries(self._addresses())
        if not wanted or _current(ingress) == wanted:
            return  # without an address of ours, another controller's is not taken away
        await self._write(ingress, wanted)

    async def _write(self, ingress: Object, entries: list[Object]) -> None:
        balancer = {"ingress": entries} if entries else {}
        changed = {**ingress, "status": {**(ingress.get("status") or {}), "loadBalancer": balancer}}
        await self._client.update(INGRESSES, changed, subresource="status")
        address = ",".join(str(v) for entry in entries for v in entry.values()) or "-"
        log.info("status written ingress=%s/%s address=%s", *metadata.key(ingress), address)


def _current(ingress: Object) -> list[Object]:
    entries = services.balancers(ingress)
    return [{k: v for k, v in entry.items() if k in ("ip", "hostname") and v} for entry in entries]


def _selector(labels: Mapping[str, str]) -> str:
    return ",".join(f"{k}={v}" for k, v in sorted(labels.items()) if k not in _REVISION_LABELS)
