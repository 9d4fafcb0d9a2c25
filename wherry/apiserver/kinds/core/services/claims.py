"""What a Service holds and no other may: its cluster IPs and its node ports, each stored as an object of its own.

These objects are written in one commit with the Service: of two servers on one store, only one can have a number. That
of an address is its IPAddress (KEP-1880); that of a node port looks alike, and is not served.
"""

from __future__ import annotations

from collections.abc import Iterator

from wherry.apiserver.kind import Claim, Kind
from wherry.apiserver.kinds.core.services import servicespec
from wherry.apiserver.kinds.networking.ipaddress import IP_ADDRESS
from wherry.objects import Object, metadata
from wherry.objects.family import parsed
from wherry.objects.meaning.servicecidrs import address_of, reference
from wherry.objects.resource import Resource

GROUP = "claims"
"""The group of kinds that are only stored; it has no dot, so no custom resource can be in it."""
NODE_PORT = Kind(resource=Resource(GROUP, "v1", "nodeports", "NodePort", namespaced=False))


def of(service: Object) -> Iterator[Claim]:
    """Yield the claims of a valid Service."""
    spec, key = servicespec.of(service), metadata.key(service)
    for address in servicespec.cluster_ips(spec):
        if parsed(address) is not None:  # neither "None" nor what never was one
            yield Claim(IP_ADDRESS, address_of(key, address))
    for port in sorted(set(servicespec.node_ports(spec))):  # two protocols may share a number
        yield Claim(NODE_PORT, _node_port(port, key))


def _node_port(port: int, service: metadata.Key) -> Object:
    head = {"apiVersion": NODE_PORT.resource.api_version, "kind": NODE_PORT.kind, "metadata": {"name": str(port)}}
    return {**head, "spec": {"parentRef": reference(service)}}
