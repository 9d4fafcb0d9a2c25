"""The running proxy: watches in, transactions out.

Three informers feed `Changes`; whatever has gathered there becomes one transaction, and while it is under way the next
one gathers. An error loads the whole plan again. Nothing is taken back at the end: the rules outlive the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator

from wherry.client.interface import Client
from wherry.component.health import Health, HealthServer
from wherry.component.informer import Informer
from wherry.objects import Object
from wherry.objects.meaning.wellknown import HEADLESS, SERVICE_PROXY_NAME
from wherry.objects.resource import ENDPOINT_SLICES, NODES, SERVICES
from wherry.proxy import metrics, modes
from wherry.proxy.changes import Changes
from wherry.proxy.config import ProxyConfig, cidrs, host_port
from wherry.proxy.health_check import HealthChecks
from wherry.proxy.modes import Mode, ModeConfig, ModeError
from wherry.proxy.no_local import NoLocal
from wherry.proxy.node_health import NodeHealth
from wherry.proxy.plan import Change
from wherry.proxy.topology import ThisNode

log = logging.getLogger(__name__)

SELECTOR = f"!{SERVICE_PROXY_NAME},!{HEADLESS}"
RETRY_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)


def make_mode(config: ProxyConfig) -> Mode:
    """Return the mode a configuration asks for; raises `UnsupportedMode`."""
    return modes.make(config.mode, ModeConfig(cidrs(config.cluster_cidr), cidrs(config.service_cidr)))


async def run(client: Client, config: ProxyConfig, mode: Mode | None = None) -> None:
    """Keep this node's Services working until cancelled; the rules stay then.

    Raises `UnsupportedMode`, or `OSError` when a bind address is taken. The API server and the kernel may fail: both
    are tried again for ever. `mode` replaces the one `config` names, for tests.
    """
    proxy = Proxy(client, config, mode or make_mode(config))
    async with _servers(config, proxy.health):
        await proxy.run()


class Proxy:
    """The service proxy of one node."""

    def __init__(self, client: Client, config: ProxyConfig, mode: Mode):
        self.health = NodeHealth()
        self._name = config.node_name
        self._min_period = config.sync_min_period
        self._mode = mode
        self._changes = Changes(ThisNode(config.node_name))
        self._no_local = NoLocal()
        self._checks = HealthChecks(lambda: self.health.healthy)
        self._wake = asyncio.Event()
        self._suspected = False
        self._services = Informer(client, SERVICES, labels=SELECTOR)
        self._slices = Informer(client, ENDPOINT_SLICES, labels=SELECTOR)
        self._node = Informer(client, NODES, fields=f"metadata.name={config.node_name}")
        self._services.subscribe(self._service)
        self._slices.subscribe(self._slice)
        self._node.subscribe(self._this_node)

    async def run(self) -> None:
        """Follow the API and keep the kernel up to date, until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for informer in (self._services, self._slices, self._node):
                    group.create_task(informer.run())
                group.create_task(self._keep())
        finally:
            await self._checks.stop()

    async def _keep(self) -> None:
        for informer in (self._services, self._slices, self._node):
            await informer.wait_synced()
        if self._node.get("", self._name) is None:
            log.warning("node %s is not registered: no NodePorts until it is", self._name)
        with self._mode.watch(self._suspect):
            await self._load()
            await self._follow()

    async def _follow(self) -> None:
        while True:
            await self._wake.wait()
            started = time.monotonic()
            if self._suspected and not await self._intact():
                await self._load()
            await self._sync()
            await asyncio.sleep(max(0.0, self._min_period - (time.monotonic() - started)))

    async def _intact(self) -> bool:
        self._suspected = False
        try:
            intact = await self._mode.intact()
        except ModeError as error:
            log.error("%s; loading the whole plan", error)
            return False
        if not intact:
            log.warning("the rules are gone from the kernel, by another's hand: loading them again")
        return intact

    async def _load(self) -> None:
        """Bring the kernel to the whole plan, however often it takes."""
        failed = 0
        while True:
            change = self._take()
            try:
                with metrics.sync_seconds.time(), metrics.full_sync_seconds.time():
                    await self._mode.load(self._changes.plan)
            except ModeError as error:
                pause = RETRY_SECONDS[min(failed, len(RETRY_SECONDS) - 1)]
                failed += 1
                log.error("%s; again in %.1f s", error, pause)
                metrics.failures.inc()
                await self._checks.update(change.health_checks)
                await asyncio.sleep(pause)
            else:
                log.info("rules loaded frontends=%d node=%s", len(self._changes.plan.routes), self._name)
                await self._done(change)
                return

    async def _sync(self) -> None:
        """Apply what has gathered."""
        change = self._take()
        started = time.monotonic()
        try:
            with metrics.sync_seconds.time(), metrics.partial_sync_seconds.time():
                await self._mode.apply(change)
        except ModeError as error:
            log.error("%s; loading the whole plan", error)
            metrics.failures.inc()
            self.health.queued()
            await self._checks.update(change.health_checks)
            await self._load()
            return
        if change.routes:
            took = time.monotonic() - started
            log.info("rules changed frontends=%d took=%.4f", len(change.routes), took)
        await self._done(change)

    def _take(self) -> Change:
        self._wake.clear()
        metrics.services_pending.set(0)
        metrics.endpoints_pending.set(0)
        change = self._changes.take()
        self._no_local.update(change)
        for policy, count in self._no_local.counts().items():
            metrics.no_local_endpoints.labels(policy).set(count)
        return change

    async def _done(self, change: Change) -> None:
        now = time.time()
        for trigger in self._changes.take_triggers():
            metrics.programming_seconds.observe(max(0.0, now - trigger))
        metrics.last_sync.set(now)
        self.health.synced()
        if self._wake.is_set():
            self.health.queued()
        await self._checks.update(change.health_checks)

    def _suspect(self) -> None:
        self._suspected = True
        self._wake.set()

    def _service(self, old: Object | None, new: Object | None) -> None:
        self._changes.service(old, new)
        metrics.service_changes.inc()
        metrics.services_pending.inc()
        self._queue()

    def _slice(self, old: Object | None, new: Object | None) -> None:
        self._changes.slice(old, new)
        metrics.endpoint_changes.inc()
        metrics.endpoints_pending.inc()
        self._queue()

    def _this_node(self, old: Object | None, new: Object | None) -> None:
        self.health.node(new)
        self._changes.node(ThisNode.of(self._name, new))
        if len(self._changes):
            self._queue()

    def _queue(self) -> None:
        metrics.last_queued.set(time.time())
        self.health.queued()
        self._wake.set()


@contextlib.asynccontextmanager
async def _servers(config: ProxyConfig, health: NodeHealth) -> AsyncIterator[None]:
    """Serve health and metrics on their own addresses, where they have one."""
    async with contextlib.AsyncExitStack() as stack:
        for address, served in ((config.healthz_bind_address, health), (config.metrics_bind_address, Health())):
            if address:
                host, port = host_port(address)
                await stack.enter_async_context(HealthServer(host, port, health=served))
        yield
