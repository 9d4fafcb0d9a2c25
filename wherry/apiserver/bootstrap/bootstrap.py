"""All that every cluster has, put in place: at the first start and at each one after."""

from __future__ import annotations

import asyncio

from wherry.apiserver.bootstrap import service
from wherry.apiserver.bootstrap.bindings import bindings
from wherry.apiserver.bootstrap.ensure import ensure
from wherry.apiserver.bootstrap.namespaces import namespaces
from wherry.apiserver.bootstrap.roles import roles
from wherry.apiserver.bootstrap.servicecidr import ensure_range
from wherry.client.interface import Client
from wherry.objects.errors import NotFound
from wherry.objects.family import Network
from wherry.objects.resource import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    ENDPOINT_SLICES,
    ENDPOINTS,
    NAMESPACES,
    SERVICES,
)


async def bootstrap(client: Client, service_cidr: Network, address: str, port: int) -> None:
    """Put everything in place; `address`:`port` is where the server is reached. Raises what `client` raises."""
    independent = [(NAMESPACES, obj) for obj in namespaces()]
    independent += [(CLUSTER_ROLES, obj) for obj in roles()]
    independent += [(CLUSTER_ROLE_BINDINGS, obj) for obj in bindings()]
    await asyncio.gather(*(ensure(client, resource, obj) for resource, obj in independent))
    await ensure_range(client, service_cidr)
    await _forget_moved_service(client, service_cidr)
    await asyncio.gather(
        ensure(client, SERVICES, service.service(service_cidr, port)),
        ensure(client, ENDPOINTS, service.endpoints(address, port)),
        ensure(client, ENDPOINT_SLICES, service.endpoint_slice(address, port)),
    )


async def _forget_moved_service(client: Client, service_cidr: Network) -> None:
    """Delete Service `kubernetes` when the service range has changed: a cluster IP cannot."""
    try:
        current = await client.get(SERVICES, service.NAME, service.NAMESPACE)
    except NotFound:
        return
    if current["spec"].get("clusterIP") != service.address(service_cidr):
        await client.delete(SERVICES, service.NAME, service.NAMESPACE)
