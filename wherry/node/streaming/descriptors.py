"""File descriptors that block (pipes, terminals) read and written without blocking the loop."""

from __future__ import annotations

import asyncio
import os

CHUNK = 1 << 15


class Source:
    """A descriptor to read from; closed by `close`.

    Not by the loop's pipe transport: uvloop's closes a descriptor twice, when it may be another thread's already.
    """

    def __init__(self, fd: int):
        os.set_blocking(fd, False)
        self._fd = fd
        self._ready = asyncio.Event()

    async def read(self) -> bytes:
        """Return what there is, waiting for it if need be; b"" at the end, or when it has been closed."""
        while self._fd >= 0:
            try:
                return os.read(self._fd, CHUNK)
            except BlockingIOError:
                await self._readable()
            except OSError:
                break  # a terminal whose other end is closed answers EIO: that is its end of file
        return b""

    async def _readable(self) -> None:
        loop, fd = asyncio.get_running_loop(), self._fd
        self._ready.clear()
        loop.add_reader(fd, self._ready.set)
        try:
            await self._ready.wait()
        finally:
            if self._fd == fd:
                loop.remove_reader(fd)

    def close(self) -> None:
        """Stop reading, and close the descriptor; no effect twice."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            asyncio.get_running_loop().remove_reader(fd)
            os.close(fd)
            self._ready.set()


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
