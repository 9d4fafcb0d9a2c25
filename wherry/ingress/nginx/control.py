"""The control socket: what the controller tells the Lua inside nginx, and asks of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Literal, get_args

import aiohttp
import msgspec

Store = Literal["backends", "certificates", "routes"]
STORES: Final[tuple[Store, ...]] = get_args(Store)

REQUEST_SECONDS = 10.0


class ControlError(Exception):
    """nginx did not take what it was told: it is gone, busy, or out of shared memory."""


class StoreFull(ControlError):
    """Shared memory is full: what was told is in force, but for some `keys`."""

    def __init__(self, keys: Sequence[str]):
        super().__init__(f"nginx' shared memory is full: {len(keys)} entries found no place, such as {keys[0]}")
        self.keys = frozenset(keys)


class Control:
    """Speaks to the nginx behind `socket`. Every request has a connection of its own: a reload must not hold us to old
    workers.
    """

    def __init__(self, socket: Path):
        self._socket = socket

    async def replace(self, store: Store, entries: Mapping[str, Any]) -> None:
        """Make `entries` the whole content of a store; raises `ControlError`, or `StoreFull`."""
        await self._ask("PUT", f"/configuration/{store}", entries)

    async def change(self, store: Store, entries: Mapping[str, Any]) -> None:
        """Set `entries`, and remove those that are None; raises `ControlError`, or `StoreFull`."""
        await self._ask("PATCH", f"/configuration/{store}", entries)

    async def known(self, store: Store) -> dict[str, Any]:
        """Return what a store holds, certificates by their keys only (each None); raises `ControlError`."""
        return await self._json(f"/configuration/{store}")

    async def backends(self) -> dict[str, list[tuple[str, int]]]:
        """Return the endpoints nginx has, by backend key; raises `ControlError`."""
        return {key: list(map(tuple, peers)) for key, peers in (await self._json("/configuration/backends")).items()}

    async def checksum(self) -> str:
        """Return the checksum of the nginx.conf in force; raises `ControlError`."""
        return (await self._ask("GET", "/checksum")).decode()

    async def requests(self) -> dict[str, int]:
        """Return the requests counted, by `host namespace ingress service status`; raises `ControlError`."""
        return await self._json("/requests")

    async def _json(self, path: str) -> dict[str, Any]:
        return msgspec.json.decode(await self._ask("GET", path), type=dict[str, Any])

    async def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> bytes:
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        connector = aiohttp.UnixConnector(path=str(self._socket), force_close=True)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
                session.request(method, f"http://nginx{path}", json=body) as answer,
            ):
                content = await answer.read()
                if answer.status == HTTPStatus.INSUFFICIENT_STORAGE:
                    raise StoreFull(msgspec.json.decode(content, type=list[str]))
                if answer.status >= 300:
                    raise ControlError(f"{method} {path}: {answer.status} {content.decode(errors='replace').strip()}")
                return content
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ControlError(f"{method} {path}: {error or type(error).__name__}") from error
