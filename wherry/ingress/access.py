"""What we may read. The manifest of ingress-nginx 0.30.0 grants neither EndpointSlices nor IngressClasses."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from wherry.client.interface import Client
from wherry.objects.errors import ApiError, Forbidden, NotFound
from wherry.objects.resource import Resource

log = logging.getLogger(__name__)

T = TypeVar("T")

RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)


async def may_read(client: Client, resource: Resource, namespace: str | None = None) -> bool:
    """Whether `resource` is served and we may list it; waits for a server that does not answer."""
    try:
        await patiently(lambda: client.list(resource, namespace))
    except (Forbidden, NotFound):
        return False
    return True


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Return what `ask` does, asked again while the server does not answer; raises `Forbidden` and `NotFound`."""
    failures = 0
    while True:
        try:
            return await ask()
        except (Forbidden, NotFound):
            raise
        except ApiError as error:
            if failures == len(RETRY_SECONDS):
                log.warning("waiting for the API server: %s", error)
            await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
            failures += 1
