"""Sending a container's log, and following it until the container is gone or the client has had enough."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from wherry.component.inotify import FolderChanges
from wherry.node.streaming.crilog import LogLine, LogOptions, Selector, parse, tail_offset

CHUNK = 1 << 16
CHECK_SECONDS = 1.0
"""How often to look whether a silent container still runs; conmon closing the log, when it ends, tells us at once."""

Write = Callable[[bytes], Awaitable[None]]


async def send_log(path: Path, options: LogOptions, running: Callable[[], bool], write: Write) -> None:
    """Write what `options` select of the log at `path`; a file that is not there (yet) is empty.

    Raises `OSError` when it cannot be read, and what `write` raises.
    """
    selector = Selector(options)
    with LogFile(path) as log:
        log.open(options.tail)
        if not options.follow:
            await _copy(log, selector, write)
            return
        with FolderChanges(path.parent) as changes:
            while not selector.finished:
                # Both asked before reading: what was written before the end, or before the change, is then on disk.
                alive, replaced = running(), log.was_replaced()
                await _copy(log, selector, write)
                if replaced:
                    log.open(None)
                elif not alive:
                    return
                else:
                    await changes.wait(CHECK_SECONDS)


async def _copy(log: LogFile, selector: Selector, write: Write) -> None:
    while not selector.finished and (entries := log.read()):
        if text := selector.render(entries):
            await write(text)


class LogFile:
    """A log file that may not be there yet, grows, and is replaced by a new one when it is too long."""

    def __init__(self, path: Path):
        self._path = path
        self._fd = -1
        self._rest = b""

    def __enter__(self) -> LogFile:
        return self

    def __exit__(self, *exc: object) -> None:
        self._close()

    def open(self, tail: int | None) -> None:
        """Open the file, at its last `tail` lines or its start."""
        self._close()
        try:
            with self._path.open("rb", buffering=0) as file:
                offset = 0 if tail is None else tail_offset(file, tail)
                self._fd = os.dup(file.fileno())
        except FileNotFoundError:
            return
        os.lseek(self._fd, offset, os.SEEK_SET)

    def read(self) -> list[LogLine]:
        """Return the next entries; none at the end, where the start of an unfinished line is kept for later."""
        while self._fd >= 0 and (data := os.read(self._fd, CHUNK)):
            *lines, self._rest = (self._rest + data).split(b"\n")
            if entries := [entry for line in lines if (entry := parse(line))]:
                return entries
        return []

    def was_replaced(self) -> bool:
        """Tell whether another file is there now."""
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return False
        if self._fd < 0:
            return True
        mine = os.fstat(self._fd)
        return (now.st_dev, now.st_ino) != (mine.st_dev, mine.st_ino)

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._rest = b""
