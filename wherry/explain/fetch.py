"""The edge: a snapshot, and who resolves names, read from an API."""

from __future__ import annotations

import asyncio
import re
import socket
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from wherry.client.interface import Client
from wherry.dns.explain import Asked, ask
from wherry.dns.instance import DnsConfig
from wherry.explain.naming import Names
from wherry.explain.snapshot import Snapshot
from wherry.explain.step import TraceError
from wherry.objects import Object
from wherry.objects.errors import NotFound
from wherry.objects.meaning import nodes, services
from wherry.objects.resource import (
    CONFIG_MAPS,
    ENDPOINT_SLICES,
    NAMESPACES,
    NETWORK_POLICIES,
    NODES,
    PODS,
    SERVICE_CIDRS,
    SERVICES,
    Resource,
)
from wherry.proxy.config import cidrs
from wherry.proxy.configmap import configuration

SYSTEM = "kube-system"
PROXY, DNS, DNS_SERVICE = "kube-proxy", "coredns", "kube-dns"
"""The ConfigMaps and the Service of kubeadm's clusters, and of those that follow them."""
_ZONE = re.compile(r"^\s*kubernetes\s+([^\s{]+)", re.MULTILINE)


async def snapshot(client: Client) -> Snapshot:
    """Return what the API says now; raises `ApiError`."""
    kinds = (NODES, PODS, NAMESPACES, SERVICES, ENDPOINT_SLICES, NETWORK_POLICIES, SERVICE_CIDRS)
    found = await asyncio.gather(*(_listed(client, kind) for kind in kinds))
    known = dict(zip(kinds, found, strict=True))
    ranges = [cidr for each in known[SERVICE_CIDRS] for cidr in each["spec"].get("cidrs") or ()]
    return Snapshot(
        nodes=known[NODES],
        pods=known[PODS],
        namespaces=known[NAMESPACES],
        services=known[SERVICES],
        slices=known[ENDPOINT_SLICES],
        policies=known[NETWORK_POLICIES],
        cluster_cidrs=await _cluster_cidrs(client, known[NODES]),
        service_cidrs=tuple(ranges),
    )


async def names(client: Client, connect: Callable[[], Client], known: Snapshot) -> Names:
    """Return how names are resolved; raises `ApiError`. `connect` makes the clients of the DNS server's plugins."""
    corefile = await _data(client, DNS, "Corefile")
    zone = _ZONE.search(corefile)
    service = known.service((SYSTEM, DNS_SERVICE))

    async def put(name: str, type: str, asker: str, search: Sequence[str], dots: int) -> list[Asked]:
        if not corefile:
            raise TraceError(f"no ConfigMap {SYSTEM}/{DNS} says how names are resolved: trace to an address")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "Corefile"
            file.write_text(corefile)
            return await ask(DnsConfig(file), connect, name, type, asker, search, dots)

    return Names(
        put, _by_this_machine, services.cluster_ips(service) if service else (), zone[1] if zone else "cluster.local"
    )


async def _listed(client: Client, kind: Resource) -> list[Object]:
    try:
        return (await client.list(kind)).items
    except NotFound:  # an older server
        if kind is SERVICE_CIDRS:
            return []
        raise


async def _cluster_cidrs(client: Client, all_nodes: Sequence[Object]) -> tuple[str, ...]:
    try:
        held = configuration(await client.get(CONFIG_MAPS, PROXY, SYSTEM))
    except NotFound:
        held = None
    if held and held[1].get("clusterCIDR"):
        return cidrs(held[1]["clusterCIDR"])
    return tuple(cidr for node in all_nodes for cidr in nodes.pod_ranges(node))


async def _data(client: Client, name: str, key: str) -> str:
    try:
        data: Mapping[str, str] = (await client.get(CONFIG_MAPS, name, SYSTEM)).get("data") or {}
    except NotFound:
        return ""
    return data.get(key, "")


async def _by_this_machine(name: str) -> list[str]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return list(dict.fromkeys(str(place[0]) for *_, place in found))
