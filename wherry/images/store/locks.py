"""One at a time, also among processes: flock(2). A lock dies with its holder, however that ends."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

FIRST_LOOK_SECONDS = 0.02
LONGEST_LOOK_SECONDS = 0.5


@asynccontextmanager
async def locked(path: Path, *, shared: bool = False) -> AsyncIterator[None]:
    """Hold the lock at `path`, alone or with others that share it; waits for its holder.

    It looks again and again: a thread that waits in the kernel could not be cancelled. Who waits here waits for a
    download, so that half a second more does not matter.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    pause = FIRST_LOOK_SECONDS
    try:
        while True:
            try:
                fcntl.flock(fd, kind | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_LOOK_SECONDS)
        yield
    finally:
        os.close(fd)
