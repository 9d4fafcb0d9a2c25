"""What a Service holds and no other may: its cluster IPs and its node ports, each stored as an object of its own.

These objects are written in one commit with the Service: of two servers on one store, only one can have a number. They
are not served; they have the shape of networking.k8s.io/v1 IPAddress (KEP-1880), whose `parentRef` names the holder.
"""

from __future__ import annotations

from collections.abc import Iterator

from wherry.apiserver.kind import Claim, Kind
from wherry.apiserver.kinds.core.services import servicespec
from wherry.objects import Object
from wherry.objects.family import canonical
from wherry.objects.resource import SERVICES, Resource

GROUP = "claims"
"""The group of kinds that are only stored; it has no dot, so no custom resource can be in it."""
ADDRESS = Kind(resource=Resource(GROUP, "v1", "addresses", "Address", namespaced=False))
NODE_PORT = Kind(resource=Resource(GROUP, "v1", "nodeports", "NodePort", namespaced=False))


def of(service: Object) -> Iterator[Claim]:
    """Yield the claims of a valid Service."""
    spec, metadata = servicespec.of(service), service["metadata"]
    place = {"namespace": metadata["namespace"], "name": metadata["name"]}
    parent = {"group": SERVICES.group, "resource": SERVICES.plural, **place}
    for address in servicespec.cluster_ips(spec):
        if address != servicespec.NO_IP:
            yield _claim(ADDRESS, canonical(address), parent)
    for port in sorted(set(servicespec.node_ports(spec))):  # two protocols may share a number
        yield _claim(NODE_PORT, str(port), parent)


def _claim(kind: Kind, name: str, parent: Object) -> Claim:
    head = {"apiVersion": kind.resource.api_version, "kind": kind.kind, "metadata": {"name": name}}
    return Claim(kind, {**head, "spec": {"parentRef": parent}})
