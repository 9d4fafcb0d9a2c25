"""Bytes from one task to another, bounded: a fast writer waits for a slow reader."""

from __future__ import annotations

import asyncio

LIMIT = 1 << 18


class Pipe:
    """Chunks of bytes, in order. Made with `ended=True` it is an empty one."""

    def __init__(self, limit: int = LIMIT, *, ended: bool = False):
        self._limit = limit
        self._chunks: list[bytes] = []
        self._size = 0
        self._ended = ended
        self._abandoned = False
        self._readable = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        if ended:
            self._readable.set()

    @property
    def full(self) -> bool:
        """Whether a polite writer waits for `room`."""
        return not self._room.is_set()

    def feed(self, data: bytes) -> None:
        """Append `data`, whether there is room or not; dropped when the reader has left."""
        if data and not self._ended and not self._abandoned:
            self._chunks.append(data)
            self._size += len(data)
            self._readable.set()
            if self._size >= self._limit:
                self._room.clear()

    async def room(self) -> None:
        """Return once the reader has made room."""
        await self._room.wait()

    def end(self) -> None:
        """Let the reader come to an end after what is in the pipe; no effect twice."""
        self._ended = True
        self._readable.set()
        self._room.set()

    def abandon(self) -> None:
        """Leave as the reader: what is in the pipe, and all that follows, is dropped."""
        self._abandoned = True
        self._chunks.clear()
        self._room.set()

    async def read(self) -> bytes:
        """Return what has arrived, waiting for it if need be; b"" at the end."""
        await self._readable.wait()
        data = b"".join(self._chunks)
        self._chunks.clear()
        self._size = 0
        if not self._ended:
            self._readable.clear()
            self._room.set()
        return data
