"""Health on a socket file, for probes by command: replicas on one node have the same port, but not the same file."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from wherry.component.health import Health, HealthServer

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0


@asynccontextmanager
async def on_file(path: Path, health: Health) -> AsyncIterator[None]:
    """Serve `health` on the socket file `path` while inside; one left behind is replaced."""
    app = web.Application()
    app.add_routes(health.routes())
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    path.unlink(missing_ok=True)
    try:
        await web.UnixSite(runner, str(path)).start()
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def shared(server: HealthServer, shares: bool) -> AsyncIterator[None]:
    """Serve at the node's port while inside; where we share it, once the replica that has it is gone."""
    waiting: asyncio.Task[None] | None = None
    try:
        await server.start()
    except OSError as error:
        if not shares:
            raise
        log.info("port %d is another replica's, waiting for it: %s", server.port, error.strerror)
        waiting = asyncio.create_task(_start_once_free(server))
    try:
        yield
    finally:
        if waiting is not None:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        await server.stop()


async def _start_once_free(server: HealthServer) -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        with contextlib.suppress(OSError):
            return await server.start()
