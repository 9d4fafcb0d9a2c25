"""What a node's agent counts."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable

import aiohttp
import msgspec

from wherry.apiserver.calls.agents import agent_of
from wherry.apiserver.usage.rates import Sample, sample
from wherry.objects import Object
from wherry.objects.errors import ApiError
from wherry.objects.family import bracketed

SECONDS = 5.0
"""How long an agent may take."""


class Summaries:
    """Asks agents; belongs to the event loop that uses it first. `tls` is the context for them."""

    def __init__(self, tls: ssl.SSLContext, clock: Callable[[], float] = time.time):
        self._tls = tls
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close what is open."""
        if self._session is not None:
            await self._session.close()

    async def sample(self, node: Object) -> Sample | None:
        """Return what a node's agent counts now; None when it does not say."""
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        try:
            host, port = agent_of(node)
            url = f"https://{bracketed(host)}:{port}/stats/summary"
            async with asyncio.timeout(SECONDS), self._session.get(url, ssl=self._tls) as answer:
                answer.raise_for_status()
                return sample(msgspec.json.decode(await answer.read(), type=dict), self._clock())
        except (ApiError, aiohttp.ClientError, OSError, TimeoutError, ValueError):
            return None
