"""Connections made in another network namespace than this process's: sockets stay in the one they were made in."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from aiohttp.abc import AbstractResolver, ResolveResult

from wherry.net import namespaces


class Resolver(AbstractResolver):
    """Finds a host's addresses as a process in the network namespace at `path` would."""

    def __init__(self, path: Path):
        self._path = path

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return where `host` is; raises `OSError`."""
        found = await asyncio.to_thread(
            namespaces.run, self._path, socket.getaddrinfo, host, port, family, socket.SOCK_STREAM
        )
        numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(hostname=host, host=str(address[0]), port=port, family=kind, proto=protocol, flags=numeric)
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Nothing is kept."""
