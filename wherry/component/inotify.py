"""Being told of changes in a folder (inotify(7))."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from asyncinotify import Inotify, Mask

CHANGES = Mask.MODIFY | Mask.CLOSE_WRITE | Mask.MOVED_TO | Mask.MOVED_FROM | Mask.CREATE | Mask.DELETE


class FolderChanges:
    """Wakes its waiter when a file in one of the folders is written, closed, made, moved or removed.

    A context manager; raises `OSError` when a folder is not there, or the user's inotify instances are used up.
    """

    def __init__(self, *folders: Path):
        self._folders = folders

    def __enter__(self) -> FolderChanges:
        self._inotify = Inotify(sync_timeout=0)
        try:
            for folder in self._folders:
                self._inotify.add_watch(folder, CHANGES)
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
