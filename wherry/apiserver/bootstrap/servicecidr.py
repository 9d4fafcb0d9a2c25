"""ServiceCIDR `kubernetes`: the ranges the server is configured with, as an object.

Source: kubernetes pkg/controlplane/controller/defaultservicecidr.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from wherry.client.interface import Client
from wherry.objects import Object, metadata
from wherry.objects.errors import NotFound
from wherry.objects.family import Network
from wherry.objects.meaning.servicecidrs import READY, cidrs
from wherry.objects.resource import SERVICE_CIDRS
from wherry.objects.timestamps import rfc3339

NAME = "kubernetes"
MESSAGE = "Kubernetes default Service CIDR is ready"


async def ensure_ranges(client: Client, service_cidrs: Sequence[Network]) -> None:
    """Create the object, ready, in the place of one with other ranges; one that is right stays as it is."""
    wanted = [str(one) for one in service_cidrs]
    try:
        current = await client.get(SERVICE_CIDRS, NAME)
    except NotFound:
        current = await _create(client, wanted)
    if cidrs(current) != wanted:
        await client.patch(SERVICE_CIDRS, NAME, {"metadata": {"finalizers": None}})
        if not metadata.is_being_deleted(current):
            await client.delete(SERVICE_CIDRS, NAME)
        current = await _create(client, wanted)
    if metadata.condition(current, READY) is None:
        conditions = metadata.set_condition((), READY, "True", "", MESSAGE, rfc3339(time.time()))
        await client.patch(SERVICE_CIDRS, NAME, {"status": {"conditions": conditions}}, subresource="status")


async def _create(client: Client, ranges: list[str]) -> Object:
    head = {"apiVersion": SERVICE_CIDRS.api_version, "kind": SERVICE_CIDRS.kind, "metadata": {"name": NAME}}
    return await client.create(SERVICE_CIDRS, {**head, "spec": {"cidrs": ranges}})
