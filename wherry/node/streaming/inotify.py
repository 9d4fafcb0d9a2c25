"""Being told of changes in a folder (inotify(7))."""

from __future__ import annotations

import asyncio
import ctypes
import os
from contextlib import suppress
from pathlib import Path

_MODIFY, _CLOSE_WRITE, _MOVED_TO, _CREATE, _DELETE = 0x2, 0x8, 0x80, 0x100, 0x200  # linux/inotify.h
_EVENTS = _MODIFY | _CLOSE_WRITE | _MOVED_TO | _CREATE | _DELETE

_libc = ctypes.CDLL(None, use_errno=True)


class FolderChanges:
    """Wakes its waiter when a file in `folder` is written, closed, made or removed; a context manager.

    Raises `OSError` when the folder is not there, or the user's inotify instances are used up.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._changed = asyncio.Event()
        self._fd = -1

    def __enter__(self) -> FolderChanges:
        self._fd = _check(_libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC), "inotify_init1")
        try:
            _check(_libc.inotify_add_watch(self._fd, os.fsencode(self._folder), _EVENTS), f"watch {self._folder}")
        except OSError:
            os.close(self._fd)
            raise
        asyncio.get_running_loop().add_reader(self._fd, self._read)
        return self

    def __exit__(self, *exc: object) -> None:
        asyncio.get_running_loop().remove_reader(self._fd)
        os.close(self._fd)

    async def wait(self, seconds: float) -> None:
        """Return after the next change, or after `seconds`; changes since the last call count."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        self._changed.clear()

    def _read(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._fd, 1 << 16)
        self._changed.set()


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result
