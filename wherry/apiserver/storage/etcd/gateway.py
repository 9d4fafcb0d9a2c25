"""etcd's own JSON gateway: one request, one stream; the next member when one does not answer.

Its gRPC would need a library of 20 MB for the six calls that a store makes. Source: etcd Documentation, "gRPC gateway".
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from typing import Any, TypeVar

import aiohttp
import msgspec

from wherry.apiserver.storage.etcd.address import Address
from wherry.apiserver.storage.etcd.messages import Failure
from wherry.apiserver.storage.interface import NoSpace, StorageError
from wherry.net import elsewhere, longlived, namespaces

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 10.0
PATIENCE_SECONDS = 5.0
"""How long a call is tried again while nobody answers: an etcd that is restarted is back by then."""
PAUSE_SECONDS = 0.05
CONNECTIONS = 64

FULL = "database space exceeded"
PASSING = ("no leader", "leader changed", "request timed out", "not a leader", "server stopped", "unhealthy")
"""What a member says that cannot answer now; source: etcd api/v3rpc/rpctypes/error.go."""

T = TypeVar("T")


class Unreachable(StorageError):
    """No member answered; `maybe_done`: one was asked, and what became of it is not known."""

    def __init__(self, reason: str, maybe_done: bool):
        super().__init__(reason)
        self.maybe_done = maybe_done


class Gateway:
    """The calls to one etcd. `open` first, `close` last; raises nothing but `StorageError`."""

    def __init__(self, address: Address, patience: float = PATIENCE_SECONDS):
        self._address = address
        self._patience = patience
        self._member = 0
        self._session: aiohttp.ClientSession | None = None
        self._streams: set[aiohttp.StreamReader] = set()

    def __str__(self) -> str:
        return ",".join(self._address.endpoints)

    def open(self) -> None:
        """Make ready to connect; raises `StorageError` for files that are not what they should be."""
        try:
            tls = self._address.tls()
        except OSError as error:
            raise StorageError(f"etcd at {self}: {error}") from error
        network = self._address.network
        connector = aiohttp.TCPConnector(
            limit=CONNECTIONS,
            keepalive_timeout=60,
            ssl=tls or True,
            resolver=elsewhere.Resolver(partial(namespaces.run, network)) if network else None,
            socket_factory=partial(namespaces.run, network, longlived.socket_of) if network else longlived.socket_of,
        )
        self._session = aiohttp.ClientSession(connector=connector, headers={"Content-Type": "application/json"})

    async def close(self) -> None:
        """End everything that is under way."""
        if self._session is not None:
            session, self._session = self._session, None
            for stream in self._streams:  # whoever waits for a line is not told by the session
                stream.set_exception(aiohttp.ClientConnectionError("the store is closed"))
            await session.close()

    async def call(self, path: str, body: Any, answer: type[T]) -> tuple[T, bool]:
        """Return what a call answers, and whether it may have been done before, its answer lost.

        While no member answers it is tried again, for `patience` seconds.
        """
        deadline, maybe_done = asyncio.get_running_loop().time() + self._patience, False
        for attempt in count():
            try:
                return await self._call(path, body, answer), maybe_done
            except Unreachable as error:
                maybe_done |= error.maybe_done
                self._member += 1
                if asyncio.get_running_loop().time() > deadline:
                    raise Unreachable(str(error), maybe_done) from error
                if attempt % len(self._address.endpoints) == len(self._address.endpoints) - 1:
                    await asyncio.sleep(PAUSE_SECONDS)
        raise AssertionError  # it counts for ever

    async def _call(self, path: str, body: Any, answer: type[T]) -> T:
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS, sock_connect=CONNECT_SECONDS)
        async with self._answered(path, body, timeout) as response:
            return self._decoded(await response.read(), answer)

    async def lines(self, path: str, body: Any, answer: type[T]) -> AsyncIterator[T]:
        """Yield the lines of a stream; raises `Unreachable` when it breaks off. It is tried once."""
        try:
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
            async with self._answered(path, body, timeout) as response:
                self._streams.add(response.content)
                try:
                    async for line in longlived.lines(response.content):
                        yield self._decoded(line, answer)
                finally:
                    self._streams.discard(response.content)
        except Unreachable:
            self._member += 1
            raise
        raise Unreachable(f"etcd at {self}: the watch ended", maybe_done=False)

    @asynccontextmanager
    async def _answered(
        self, path: str, body: Any, timeout: aiohttp.ClientTimeout
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            raise StorageError("the store is closed")
        endpoint = self._address.endpoints[self._member % len(self._address.endpoints)]
        try:
            async with self._session.post(endpoint + path, data=msgspec.json.encode(body), timeout=timeout) as response:
                if response.status != 200:
                    raise self._refused(endpoint, await response.read())
                yield response
        except aiohttp.ClientConnectorError as error:
            raise Unreachable(f"etcd at {endpoint}: {error.strerror or error}", maybe_done=False) from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            raise Unreachable(f"etcd at {endpoint}: {reason}", maybe_done=True) from error

    def _refused(self, endpoint: str, body: bytes) -> StorageError:
        try:
            failure = msgspec.json.decode(body, type=Failure, strict=False)
        except msgspec.MsgspecError:
            failure = Failure(body[:200].decode(errors="replace"))
        text = f"etcd at {endpoint}: {failure.message or failure.error}"
        if FULL in text:
            return NoSpace(text)
        if any(passing in text for passing in PASSING):
            return Unreachable(text, maybe_done=True)
        return StorageError(text)

    def _decoded(self, body: bytes, answer: type[T]) -> T:
        try:
            return msgspec.json.decode(body, type=answer, strict=False)
        except msgspec.MsgspecError as error:
            raise StorageError(f"etcd at {self} answers what cannot be read: {error}") from error
