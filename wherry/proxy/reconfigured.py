"""A proxy that follows its configuration file: run anew, in the same process, when that says something else.

The rules stay in the kernel in between, and the next run goes on from what it finds, in another mode too, so nothing
is missed but changes of that moment, which it reads from the API.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from wherry.client.interface import Client
from wherry.component.inotify import FolderChanges
from wherry.proxy import component
from wherry.proxy.config import ConfigurationError, ProxyConfig
from wherry.proxy.modes import UnsupportedMode

log = logging.getLogger(__name__)

LONGEST_UNTOLD_SECONDS = 3600.0
"""After so long the file is read again, changed or not."""


class Given(NamedTuple):
    """What a proxy is told: where the API is (None: where a pod finds it), and its configuration."""

    kubeconfig: str | None
    config: ProxyConfig


async def run(file: Path, read: Callable[[], Given], connect: Callable[[str | None], Client]) -> None:
    """Run the proxy as `read` says, which reads `file`, and anew when it says something else; until cancelled.

    Raises what `component.run` raises, and `read` at the start. Later, what cannot be read or understood is logged, and
    the proxy goes on as it was told before.
    """
    with FolderChanges(file.parent) as changes:  # a volume replaces its files by renaming a folder beside them
        given = read()
        while True:
            client = connect(given.kubeconfig)
            try:
                given = await _until_another(given, read, changes, client)
            except BaseExceptionGroup as group:
                raise group.exceptions[0] from None
            finally:
                await client.close()
            log.info("another configuration: beginning anew mode=%s", given.config.mode)


async def _until_another(given: Given, read: Callable[[], Given], changes: FolderChanges, client: Client) -> Given:
    """Run the proxy until there is another configuration, and return that."""
    async with asyncio.TaskGroup() as group:
        proxy = group.create_task(component.run(client, given.config))
        found = await _another(given, read, changes)
        proxy.cancel()
    return found


async def _another(given: Given, read: Callable[[], Given], changes: FolderChanges) -> Given:
    while True:
        await changes.wait(LONGEST_UNTOLD_SECONDS)
        try:
            found = read()
            component.make_mode(found.config)
        except (ConfigurationError, UnsupportedMode, OSError) as error:
            log.error("the configuration stays as it was: %s", error)
            continue
        if found != given:
            return found
