"""Bytes from one socket to another: a few are copied, many are spliced, so that they never enter this process.

What cannot be sent is waited for before more is read: the sender is slowed down to what the receiver takes.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
from collections.abc import Callable
from contextlib import suppress

COPIED_BYTES = 1 << 16
"""What one read takes; a read that is full begins the splicing. Below it, a pipe costs more than it spares."""
PIPE_BYTES = 1 << 20
ROUNDS = 4
"""Times a pipe is filled before others have their turn."""
POOLED = 16

_AT_ONCE = os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK
_F_SETPIPE_SZ = 1031  # linux/fcntl.h
_pool: list[tuple[int, int]] = []


class Flow:
    """One direction. Calls `ended` once: with None after the last byte was passed on, or with what went wrong."""

    __slots__ = ("_ended", "_held", "_left", "_loop", "_pipe", "_sink", "_source", "_stopped")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        source: socket.socket,
        sink: socket.socket,
        ended: Callable[[OSError | None], None],
    ):
        self._loop = loop
        self._source = source
        self._sink = sink
        self._ended = ended
        self._left: memoryview | None = None
        self._pipe: tuple[int, int] | None = None
        self._held = 0  # bytes in the pipe
        self._stopped = False

    def start(self) -> None:
        """Begin to read."""
        self._loop.add_reader(self._source.fileno(), self._copy)

    def stop(self) -> None:
        """Pass on no more."""
        if not self._stopped:
            self._stopped = True
            self._loop.remove_reader(self._source.fileno())
            self._loop.remove_writer(self._sink.fileno())
            if self._pipe is not None:
                _give_back(self._pipe, empty=not self._held)
                self._pipe = None

    def _copy(self) -> None:
        try:
            data = self._source.recv(COPIED_BYTES)
            if not data:
                self._finish()
                return
            sent = self._send(data)
        except BlockingIOError:
            return
        except OSError as error:
            self._fail(error)
            return
        if sent < len(data):
            self._left = memoryview(data)[sent:]
            self._wait(self._copy_rest)
        elif len(data) == COPIED_BYTES and (pipe := _take()):
            self._pipe = pipe
            self._read(self._splice)

    def _copy_rest(self) -> None:
        assert self._left is not None
        try:
            self._left = self._left[self._send(self._left) :]
        except OSError as error:
            self._fail(error)
            return
        if not self._left:
            self._left = None
            self._read(self._copy)

    def _send(self, data: bytes | memoryview) -> int:
        try:
            return self._sink.send(data)
        except BlockingIOError:
            return 0

    def _splice(self) -> None:
        """Fill the pipe and empty it, some times over."""
        assert self._pipe is not None
        out, into = self._pipe
        try:
            for _ in range(ROUNDS):
                taken = os.splice(self._source.fileno(), into, PIPE_BYTES, flags=_AT_ONCE)
                if not taken:
                    self._finish()
                    return
                self._held = taken
                while self._held:
                    self._held -= os.splice(out, self._sink.fileno(), self._held, flags=_AT_ONCE)
        except BlockingIOError:
            if self._held:
                self._wait(self._splice_rest)
        except OSError as error:
            self._fail(error)

    def _splice_rest(self) -> None:
        assert self._pipe is not None
        try:
            while self._held:
                self._held -= os.splice(self._pipe[0], self._sink.fileno(), self._held, flags=_AT_ONCE)
        except BlockingIOError:
            return
        except OSError as error:
            self._fail(error)
            return
        self._read(self._splice)

    def _wait(self, then: Callable[[], None]) -> None:
        """Read no more until more can be sent."""
        self._loop.remove_reader(self._source.fileno())
        self._loop.add_writer(self._sink.fileno(), then)

    def _read(self, how: Callable[[], None]) -> None:
        self._loop.remove_writer(self._sink.fileno())
        self._loop.add_reader(self._source.fileno(), how)

    def _finish(self) -> None:
        """Pass the end on; the other direction goes on (RFC 9293 section 3.6)."""
        self.stop()
        with suppress(OSError):  # the receiver is gone: the other direction finds out
            self._sink.shutdown(socket.SHUT_WR)
        self._ended(None)

    def _fail(self, error: OSError) -> None:
        self.stop()
        self._ended(error)


def close_pipes() -> None:
    """Close the pipes that are kept for later."""
    while _pool:
        _close(_pool.pop())


def _take() -> tuple[int, int] | None:
    """Return a pipe, None where there can be none: copying goes on then."""
    if _pool:
        return _pool.pop()
    try:
        pipe = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with suppress(OSError):  # beyond a user's share (pipe(7)) it stays smaller
        fcntl.fcntl(pipe[1], _F_SETPIPE_SZ, PIPE_BYTES)
    return pipe


def _give_back(pipe: tuple[int, int], *, empty: bool) -> None:
    if empty and len(_pool) < POOLED:
        _pool.append(pipe)
    else:
        _close(pipe)


def _close(pipe: tuple[int, int]) -> None:
    for end in pipe:
        os.close(end)
