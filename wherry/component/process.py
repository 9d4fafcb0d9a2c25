"""A component's process: an event loop that runs one thing until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections.abc import Coroutine
from typing import Any

from wherry.client.interface import Client

GARBAGE_ROUNDS = 100
"""How often garbage is looked for among what is young before it is among everything (gc.set_threshold).

Python's own 10 are for small heaps. Objects of the API are trees, which are freed when nobody has them any more:
looking through those of 10,000 pods finds nothing, takes 0.2 s, and nobody is answered meanwhile.
"""


def run(main: Coroutine[Any, Any, None], *clients: Client) -> None:
    """Run `main` on uvloop until it returns, or SIGTERM or SIGINT cancels it; close the clients then.

    What `main` does while it is cancelled (draining, say) is waited for; a second signal changes nothing. Raises what
    `main` raises.
    """
    import uvloop  # here, since verbs that run no component load none

    gc.set_threshold(*gc.get_threshold()[:2], GARBAGE_ROUNDS)
    uvloop.run(_until_told(main, clients))


async def _until_told(main: Coroutine[Any, Any, None], clients: tuple[Client, ...]) -> None:
    task = asyncio.ensure_future(main)
    told = False

    def stop() -> None:
        nonlocal told
        if not told:
            told = True
            task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await task
    finally:
        for client in clients:
            await client.close()
