"""Health on a socket file, for probes by command: replicas on one node have the same port, but not the same file."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from wherry.component.health import Health, HealthServer

log = logging.getLogger(__name__)


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
    """Serve at the node's port while inside; one that another replica has taken is left to it where we share."""
    async with contextlib.AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(server)
        except OSError as error:
            if not shares:
                raise
            log.warning(
                "port %d is taken, by another replica perhaps: no metrics there: %s", server.port, error.strerror
            )
        yield
