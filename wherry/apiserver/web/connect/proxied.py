"""What the proxy of a pod, service or node leads to: `[http:|https:]name[:port]`.

Source: apimachinery pkg/util/net/port_split.go (SplitSchemeNamePort), pkg/util/proxy (IsProxyableIP), and each kind's
ResourceLocation: kubernetes pkg/registry/core/{pod,node}/strategy.go, pkg/registry/core/service/storage/storage.go.
"""

from __future__ import annotations

import random
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address

from wherry.apiserver.calls.agents import agent_of
from wherry.apiserver.registry.registry import Registry
from wherry.apiserver.web.connect.location import Location
from wherry.objects import Object
from wherry.objects.errors import BadRequest, NotFound, ServiceUnavailable
from wherry.objects.resource import ENDPOINTS, NODES, PODS, SERVICES, Resource

_SCHEMES = {"": False, "http": False, "https": True}
_DEFAULT_PORTS = {False: 80, True: 443}
_BROADCAST = IPv4Address("255.255.255.255")


@dataclass(frozen=True, slots=True)
class Named:
    """What `[scheme:]name[:port]` says; `port` is a number, a name or empty."""

    https: bool
    name: str
    port: str = ""


def named(text: str, kind: str) -> Named:
    """Return the parts of a proxied object's name; raises `BadRequest`."""
    parts = text.split(":")
    scheme, name, port = {1: ("", *parts, ""), 2: ("", *parts), 3: tuple(parts)}.get(len(parts), ("", "", ""))
    if not name or scheme not in _SCHEMES:
        raise BadRequest(f'invalid {kind} request "{text}"')
    return Named(_SCHEMES[scheme], name, port)


class Proxied:
    """Finds where proxied requests go. Raises `NotFound`, `BadRequest`, `InternalError`, `ServiceUnavailable`."""

    def __init__(self, registry: Registry, to_nodes: ssl.SSLContext, to_pods: ssl.SSLContext):
        self._registry = registry
        self._to_nodes = to_nodes
        self._to_pods = to_pods

    def location(self, resource: Resource, namespace: str, text: str, path: str) -> Location:
        """Return where `path` (escaped, with its query) of the pod, service or node called `text` is answered."""
        if resource == PODS:
            wanted = named(text, "pod")
            host, port = self._pod(namespace, wanted)
        elif resource == SERVICES:
            wanted = named(text, "service")
            host, port = self._service(namespace, wanted, text)
        else:
            wanted = named(text, "node")
            host, port = agent_of(self._get(NODES, "", wanted.name))
            if wanted.port in ("", str(port)):
                return Location(host, port, path, self._to_nodes)
            port = _number(wanted.port)
        check_proxyable(host)
        return Location(host, port, path, self._to_pods if wanted.https else None)

    def _get(self, resource: Resource, namespace: str, name: str) -> Object:
        obj = self._registry.find(resource, (namespace, name))
        if obj is None:
            raise NotFound.of(resource.plural, name, resource.group)
        return obj

    def _pod(self, namespace: str, wanted: Named) -> tuple[str, int]:
        """Return a pod's address and the port asked for, else its first, else the scheme's own."""
        pod = self._get(PODS, namespace, wanted.name)
        declared = [p["containerPort"] for c in pod["spec"]["containers"] for p in c.get("ports") or ()]
        default = declared[0] if declared else _DEFAULT_PORTS[wanted.https]
        port = _number(wanted.port) if wanted.port else default
        return (pod.get("status") or {}).get("podIP", ""), port

    def _service(self, namespace: str, wanted: Named, text: str) -> tuple[str, int]:
        """Return a ready endpoint, which must be a pod's: an Endpoints object must not open a way to anywhere else."""
        port_name = self._port_name(namespace, wanted) if wanted.port.isdecimal() else wanted.port
        endpoints = self._get(ENDPOINTS, namespace, wanted.name)
        choices = list(_choices(endpoints, port_name))
        random.shuffle(choices)
        for address, port in choices:
            if self._is_pods(namespace, address):
                return address["ip"], port
        raise ServiceUnavailable(f'no endpoints available for service "{text}"')

    def _port_name(self, namespace: str, wanted: Named) -> str:
        service = self._get(SERVICES, namespace, wanted.name)
        for port in service["spec"].get("ports") or ():
            if port["port"] == int(wanted.port):
                return str(port.get("name", ""))
        raise ServiceUnavailable(f'no service port {wanted.port} found for service "{wanted.name}"')

    def _is_pods(self, namespace: str, address: Object) -> bool:
        target = address.get("targetRef") or {}
        if target.get("kind") != "Pod" or target.get("namespace") != namespace:
            return False
        pod = self._registry.find(PODS, (namespace, target.get("name", "")))
        addresses = ((pod or {}).get("status") or {}).get("podIPs") or ()
        return any(own.get("ip") == address["ip"] for own in addresses)


def _choices(endpoints: Object, port_name: str) -> Iterator[tuple[Object, int]]:
    for subset in endpoints.get("subsets") or ():
        for port in subset.get("ports") or ():
            if port.get("name", "") == port_name:
                yield from ((address, port["port"]) for address in subset.get("addresses") or ())


def _number(text: str) -> int:
    if text.isdecimal() and 0 < int(text) < 1 << 16:
        return int(text)
    raise BadRequest(f'invalid port "{text}": it must be a number between 1 and 65535')


def check_proxyable(address: str) -> None:
    """Raise `BadRequest` for an address that is no global unicast one.

    Whoever may write a pod's status must not reach what listens on this server's own loopback or link.
    """
    try:
        ip = ip_address(address)
    except ValueError:
        raise BadRequest("address not allowed") from None
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if ip.is_unspecified or ip.is_loopback or ip.is_multicast or ip.is_link_local or ip == _BROADCAST:
        raise BadRequest("address not allowed")
