"""`wherry dns`: loads the Corefile, serves, reloads; nothing asked of us is lost while a new Corefile takes over."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import Awaitable, Callable
from typing import Any

from wherry.client.interface import Client
from wherry.client.kubeconfig import ConfigError
from wherry.dns.errors import CorefileError
from wherry.dns.instance import DnsConfig, Instance
from wherry.dns.metrics import Metrics
from wherry.dns.sockets import Sockets

log = logging.getLogger(__name__)


async def run(connect: Callable[[], Client], config: DnsConfig) -> None:
    """Serve until cancelled, lingering as `health` says.

    Raises CorefileError, ConfigError or OSError for what cannot work from the start, LoopError for a loop.
    """
    await _Service(connect, config).run()


class _Service:
    """The process: one instance at a time, a new one taking over when the Corefile changes."""

    def __init__(self, connect: Callable[[], Client], config: DnsConfig):
        self._connect = connect
        self._config = config
        self._metrics = Metrics()
        self._sockets = Sockets()
        self._reload = asyncio.Event()
        self._current: Instance

    async def run(self) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self._reload.set)
        self._current = self._load()
        await self._current.start()
        log.info("serving", extra={"places": ",".join(map(str, self._current.servers))})
        try:
            while True:
                await _first(self._reload.wait(), asyncio.shield(self._current.failed))
                self._reload.clear()
                await self._replace()
        except asyncio.CancelledError:
            log.info("stopping")
            await self._current.linger()
            await self._current.stop()
            raise

    def _load(self) -> Instance:
        return Instance(self._config, self._connect, self._metrics, self._reload.set, self._sockets)

    async def _replace(self) -> None:
        """Let a new Corefile take over once it can answer; the old one serves meanwhile, and goes on if it cannot."""
        try:
            new = self._load()
        except CorefileError as error:
            self._refuse(error)
            return
        old = new
        try:
            await new.begin()
            await new.ready()
            await new.listen()
            old, self._current = self._current, new
            self._metrics.reloads.inc()
            log.info("reloaded")
        except (OSError, ConfigError, CorefileError) as error:
            self._refuse(error)
        finally:
            await old.stop()
            self._sockets.keep(self._current.servers)
            del old, new
            gc.collect()  # an instance is a circle, with the cluster in it, and circles are looked for seldom

    def _refuse(self, why: Exception) -> None:
        self._metrics.reload_failures.inc()
        log.error("the new Corefile is not taken: %s", why)


async def _first(*events: Awaitable[Any]) -> None:
    """Return once one of the events has happened; raises what it raised."""
    waiting = [asyncio.ensure_future(event) for event in events]
    try:
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for event in done:
            event.result()
    finally:
        for event in waiting:
            event.cancel()
