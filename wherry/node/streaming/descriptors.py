"""File descriptors that block (pipes, terminals) read and written without blocking the loop."""

from __future__ import annotations

import asyncio
import os

CHUNK = 1 << 15


class Source:
    """A descriptor to read from; closed by `close`."""

    def __init__(self, reader: asyncio.StreamReader, transport: asyncio.ReadTransport):
        self._reader = reader
        self._transport = transport

    @classmethod
    async def open(cls, fd: int) -> Source:
        """Take over `fd`."""
        reader = asyncio.StreamReader(limit=CHUNK)
        file = os.fdopen(fd, "rb", buffering=0)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: _Protocol(reader), file)
        return cls(reader, transport)

    async def read(self) -> bytes:
        """Return what there is, waiting for it if need be; b"" at the end."""
        return await self._reader.read(CHUNK)

    def close(self) -> None:
        """Stop reading, and close the descriptor."""
        self._transport.close()


class Sink:
    """A descriptor to write to; closed by `close`."""

    def __init__(self, fd: int):
        os.set_blocking(fd, False)
        self.fd = fd

    async def write(self, data: bytes) -> None:
        """Write all of `data`, waiting while the other side is slow; raises `BrokenPipeError` when it is gone."""
        left = memoryview(data)
        while left and self.fd >= 0:
            try:
                left = left[os.write(self.fd, left) :]
            except BlockingIOError:
                await self._writable()
            except OSError as error:
                raise BrokenPipeError("nobody reads this any more") from error

    def close(self) -> None:
        """Close the descriptor; no effect twice."""
        if self.fd >= 0:
            fd, self.fd = self.fd, -1
            os.close(fd)

    async def _writable(self) -> None:
        loop, fd, ready = asyncio.get_running_loop(), self.fd, asyncio.Event()
        loop.add_writer(fd, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_writer(fd)


class _Protocol(asyncio.StreamReaderProtocol):
    """A terminal whose other end is closed answers EIO: that is its end of file, and no error."""

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(None)
