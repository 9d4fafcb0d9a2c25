"""All that every cluster has, put in place: at the first start and at each one after."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from wherry.apiserver.bootstrap import authentication, service
from wherry.apiserver.bootstrap.bindings import bindings
from wherry.apiserver.bootstrap.ensure import ensure
from wherry.apiserver.bootstrap.namespaces import namespaces
from wherry.apiserver.bootstrap.roles import roles
from wherry.apiserver.bootstrap.servicecidr import ensure_ranges
from wherry.apiserver.kinds.flowcontrol import suggested
from wherry.apiserver.kinds.scheduling.priorityclass import system_classes
from wherry.client.interface import Client
from wherry.objects import Object
from wherry.objects.errors import AlreadyExists, Conflict, NotFound
from wherry.objects.family import Network
from wherry.objects.resource import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    CONFIG_MAPS,
    ENDPOINT_SLICES,
    ENDPOINTS,
    FLOW_SCHEMAS,
    NAMESPACES,
    PRIORITY_CLASSES,
    PRIORITY_LEVEL_CONFIGURATIONS,
    ROLES,
    SERVICES,
)

ATTEMPTS = 8


async def bootstrap(
    client: Client, service_cidrs: Sequence[Network], address: str, port: int, trusted: Object | None = None
) -> None:
    """Put everything in place; `address`:`port` is where the server is reached. Raises what `client` raises.

    `trusted` is what servers of other APIs are told of whom this one trusts (`authentication.trusted`).

    Another server on the same store may be doing the same: whatever it was faster with is looked at again.
    """
    for _ in range(ATTEMPTS - 1):
        with suppress(AlreadyExists, Conflict, NotFound):
            await _put_in_place(client, service_cidrs, address, port, trusted)
            return
    await _put_in_place(client, service_cidrs, address, port, trusted)


async def _put_in_place(
    client: Client, service_cidrs: Sequence[Network], address: str, port: int, trusted: Object | None
) -> None:
    independent = [(NAMESPACES, obj) for obj in namespaces()]
    independent += [(CLUSTER_ROLES, obj) for obj in roles()]
    independent += [(CLUSTER_ROLE_BINDINGS, obj) for obj in bindings()]
    independent += [(PRIORITY_CLASSES, obj) for obj in system_classes()]
    independent += [(PRIORITY_LEVEL_CONFIGURATIONS, obj) for obj in suggested.LEVELS]
    await asyncio.gather(*(ensure(client, resource, obj) for resource, obj in independent))
    await asyncio.gather(*(ensure(client, FLOW_SCHEMAS, obj) for obj in suggested.SCHEMAS))
    await ensure(client, ROLES, authentication.reader())
    if trusted is not None:
        await ensure(client, CONFIG_MAPS, trusted)
    await ensure_ranges(client, service_cidrs)
    await _forget_moved_service(client, service_cidrs[0])
    await asyncio.gather(
        ensure(client, SERVICES, service.service(service_cidrs[0], port)),
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
