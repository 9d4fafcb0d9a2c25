"""Where a Service is answered: at one of its endpoints, since nobody translates cluster IPs where this server runs.

Source: apiserver pkg/util/proxy/proxy.go (ResolveEndpoint).
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from wherry.apiserver.state.state import State
from wherry.objects import Object
from wherry.objects.errors import NotFound, ServiceUnavailable
from wherry.objects.family import serves
from wherry.objects.meaning import endpoints as meaning
from wherry.objects.resource import ENDPOINT_SLICES, ENDPOINTS, SERVICES, Resource

_REACHED = ("", "ClusterIP", "NodePort", "LoadBalancer")


class Services:
    """Finds ready endpoints. Raises `NotFound` and `ServiceUnavailable`."""

    def __init__(self, state: State):
        self._state = state

    def endpoint(self, namespace: str, name: str, port: int) -> tuple[str, int]:
        """Return host and port at which `port` of a Service is answered, another one each time."""
        service = self._get(SERVICES, namespace, name)
        if service is None:
            raise NotFound.of("services", name)
        spec = service["spec"]
        declared = next((p for p in spec.get("ports") or () if p.get("port") == port), None)
        if spec.get("type") == "ExternalName":
            return spec.get("externalName") or "", port
        if spec.get("type", "") not in _REACHED:
            raise ServiceUnavailable(f'unsupported service type "{spec["type"]}"')
        if declared is None:
            raise ServiceUnavailable(f'no service port {port} found for service "{name}"')
        ready = list(self._ready(namespace, name, declared.get("name") or ""))
        if not ready:
            raise ServiceUnavailable(f'no endpoints available for service "{name}"')
        return random.choice(ready)

    def _ready(self, namespace: str, name: str, port_name: str) -> Iterator[tuple[str, int]]:
        whole = self._get(ENDPOINTS, namespace, name)
        if whole is not None and whole.get("subsets"):
            yield from _in_subsets(whole, port_name)
            return
        slices = self._state.find(ENDPOINT_SLICES)
        for piece in slices.items(namespace) if slices else ():
            if meaning.service_of(piece) == (namespace, name):
                yield from _in_slice(piece, port_name)

    def _get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        collection = self._state.find(resource)
        return collection.get((namespace, name)) if collection else None


def _in_subsets(endpoints: Object, port_name: str) -> Iterator[tuple[str, int]]:
    for subset in endpoints["subsets"]:
        for port in subset.get("ports") or ():
            if port.get("name", "") == port_name and (number := port.get("port")):
                yield from ((a["ip"], number) for a in subset.get("addresses") or () if serves(a.get("ip") or ""))


def _in_slice(piece: Object, port_name: str) -> Iterator[tuple[str, int]]:
    numbers = [port.number for port in meaning.ports(piece) if port.name == port_name]
    for endpoint in meaning.endpoints(piece):
        if meaning.is_ready(endpoint):
            yield from ((endpoint["addresses"][0], number) for number in numbers)
