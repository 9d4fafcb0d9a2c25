"""What we may read. The manifest of ingress-nginx 0.30.0 grants neither EndpointSlices nor IngressClasses."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from wherry.client.interface import Client
from wherry.component.backoff import Backoff
from wherry.component.supervise import told_to_end
from wherry.objects.errors import ApiError, Forbidden, NotFound
from wherry.objects.resource import Resource

log = logging.getLogger(__name__)

T = TypeVar("T")

FIRST_RETRY_SECONDS = 0.1
LONGEST_RETRY_SECONDS = 2.0
WORTH_A_WARNING = 6


async def may_read(client: Client, resource: Resource, namespace: str | None = None) -> bool:
    """Whether `resource` is served and we may list it; waits for a server that does not answer."""
    try:
        await patiently(lambda: client.list(resource, namespace))
    except (Forbidden, NotFound):
        return False
    return True


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Return what `ask` does, asked again whatever goes wrong; but for `Forbidden` and `NotFound`, which it raises."""
    backoff = Backoff(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS)
    while True:
        try:
            return await ask()
        except (Forbidden, NotFound):
            raise
        except (Exception, asyncio.CancelledError) as error:  # we cannot begin without an answer
            if told_to_end():
                raise
            pause = backoff.failed()
            if backoff.failures == WORTH_A_WARNING or not isinstance(error, ApiError):
                log.warning("waiting for the API server: %r", error)
        await asyncio.sleep(pause)
