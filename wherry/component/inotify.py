"""Being told of changes in a folder (inotify(7))."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from asyncinotify import Inotify, Mask

CHANGES = Mask.MODIFY | Mask.CLOSE_WRITE | Mask.MOVED_TO | Mask.CREATE | Mask.DELETE


class FolderChanges:
    """Wakes its waiter when a file in `folder` is written, closed, made or removed; a context manager.

    Raises `OSError` when the folder is not there, or the user's inotify instances are used up.
    """

    def __init__(self, folder: Path):
        self._folder = folder

    def __enter__(self) -> FolderChanges:
        self._inotify = Inotify(sync_timeout=0)
        try:
            self._inotify.add_watch(self._folder, CHANGES)
        except OSError:
            self._inotify.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._inotify.close()

    async def wait(self, seconds: float) -> None:
        """Return after the next change, or after `seconds`; changes since the last call count."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._inotify.get()
        for _ in self._inotify:  # all that have gathered are one
            pass
