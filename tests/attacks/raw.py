"""A client that writes whatever it likes, byte by byte, over TLS."""

from __future__ import annotations

import asyncio
import ssl
from typing import NamedTuple

from tests.apiserver.harness import Cluster


class Raw(NamedTuple):
    """One connection to a server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def status(self) -> int:
        """Return the next answer's status code, its head read."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        return int(head.split()[1])

    async def closed(self) -> bytes:
        """Return what comes until the server closes."""
        try:
            return await self.reader.read()
        except (ConnectionError, ssl.SSLError):
            return b""


async def connect(cluster: Cluster, user: str = "", **options: int) -> Raw:
    """Return a connection with the certificate of `user`, "" for none."""
    context = ssl.create_default_context(cafile=str(cluster.directory / "ca.crt"))
    if user:
        context.load_cert_chain(cluster.directory / f"{user}.crt", cluster.directory / f"{user}.key")
    host, port = cluster.sock.getsockname()
    return Raw(*await asyncio.open_connection(host, port, ssl=context, **options))


def head(method: str, path: str, **headers: str) -> bytes:
    """Return a request's head."""
    lines = [f"{method} {path} HTTP/1.1", "Host: attack", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()
