"""The running proxy: watches in, transactions out.

Three informers feed `Changes`; whatever has gathered there becomes one transaction, and while it is under way the next
one gathers. An error loads the whole plan again. Nothing is taken back at the end: the rules outlive the process.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from wherry.client.interface import Client
from wherry.component.backoff import Backoff
from wherry.component.component import Component
from wherry.component.health import Health, HealthServer
from wherry.component.troubles import Part
from wherry.objects import Object
from wherry.objects.meaning.wellknown import HEADLESS, SERVICE_PROXY_NAME
from wherry.objects.resource import ENDPOINT_SLICES, NODES, SERVICES
from wherry.proxy import metrics, modes
from wherry.proxy.changes import Changes, Judge
from wherry.proxy.config import ProxyConfig, cidrs, host_port
from wherry.proxy.health_check import HealthChecks
from wherry.proxy.modes import Mode, ModeConfig, ModeError
from wherry.proxy.no_local import NoLocal
from wherry.proxy.node_health import NodeHealth
from wherry.proxy.plan import Change
from wherry.proxy.service import ServiceKey
from wherry.proxy.topology import ThisNode

log = logging.getLogger(__name__)

SELECTOR = f"!{SERVICE_PROXY_NAME},!{HEADLESS}"
FIRST_RETRY_SECONDS = 0.1
LONGEST_RETRY_SECONDS = 10.0


def make_mode(config: ProxyConfig) -> Mode:
    """Return the mode a configuration asks for; raises `UnsupportedMode`."""
    return modes.make(config.mode, ModeConfig(cidrs(config.cluster_cidr), cidrs(config.service_cidr)))


async def run(client: Client, config: ProxyConfig, mode: Mode | None = None) -> None:
    """Keep this node's Services working until cancelled; the rules stay then.

    Raises `UnsupportedMode`, or `OSError` when a bind address is taken. The API server and the kernel may fail: both
    are tried again for ever. `mode` replaces the one `config` names, for tests.
    """
    health = NodeHealth()
    component = Component("proxy", client, health=health)
    proxy = Proxy(component, config, mode or make_mode(config), health)
    try:
        await component.run(*_servers(config, health))
    finally:
        await proxy.stop()


class Planning(Judge):
    """Has a Service that cannot be planned planned again after a pause, and shows it meanwhile."""

    def __init__(self, part: Part, again: Callable[[ServiceKey], None]):
        self._part = part
        self._again = again

    def failed(self, key: ServiceKey, error: Exception) -> None:
        """Come back to it."""
        asyncio.get_running_loop().call_later(self._part.failed(key, error), self._again, key)

    def succeeded(self, key: ServiceKey) -> None:
        """It is well again."""
        self._part.succeeded(key)


class Proxy:
    """The service proxy of one node."""

    def __init__(self, component: Component, config: ProxyConfig, mode: Mode, health: NodeHealth):
        self.health = health
        self._component = component
        self._name = config.node_name
        self._min_period = config.sync_min_period
        self._mode = mode
        self._changes = Changes(ThisNode(config.node_name), Planning(component.troubles.part("planning"), self._again))
        self._no_local = NoLocal()
        self._checks = HealthChecks(lambda: self.health.healthy)
        self._wake = asyncio.Event()
        self._suspected = False
        component.follow(SERVICES, labels=SELECTOR).subscribe(self._service)
        component.follow(ENDPOINT_SLICES, labels=SELECTOR).subscribe(self._slice)
        self._node = component.follow(NODES, fields=f"metadata.name={config.node_name}")
        self._node.subscribe(self._this_node)
        component.task("rules", self._keep)

    async def stop(self) -> None:
        """Answer no more health checks; the rules stay."""
        await self._checks.stop()

    async def _keep(self) -> None:
        await self._component.synced()
        if self._node.get("", self._name) is None:
            log.warning("node %s is not registered: no NodePorts until it is", self._name)
        async with self._mode.at_work(self._suspect):
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
        backoff = Backoff(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS)
        while True:
            self._take()
            try:
                with metrics.sync_seconds.time(), metrics.full_sync_seconds.time():
                    await self._mode.load(self._changes.plan)
            except ModeError as error:
                pause = backoff.failed()
                log.error("%s; again in %.1f s", error, pause)
                metrics.failures.inc()
                await self._checks.replace(self._changes.plan.health_checks)
                await asyncio.sleep(pause)
            else:
                log.info("rules loaded frontends=%d node=%s", len(self._changes.plan.routes), self._name)
                self._done()
                await self._checks.replace(self._changes.plan.health_checks)
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
        self._done()
        await self._checks.update(change.health_checks)

    def _take(self) -> Change:
        self._wake.clear()
        metrics.services_pending.set(0)
        metrics.endpoints_pending.set(0)
        change = self._changes.take()
        self._no_local.update(change)
        for policy, count in self._no_local.counts().items():
            metrics.no_local_endpoints.labels(policy).set(count)
        return change

    def _done(self) -> None:
        now = time.time()
        for trigger in self._changes.take_triggers():
            metrics.programming_seconds.observe(max(0.0, now - trigger))
        metrics.last_sync.set(now)
        self.health.synced()
        if self._wake.is_set():
            self.health.queued()

    def _again(self, key: ServiceKey) -> None:
        self._changes.again(key)
        self._queue()

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


def _servers(config: ProxyConfig, health: NodeHealth) -> list[HealthServer]:
    """Return the servers of health and of metrics, each on its own address, where it has one."""
    wanted = ((config.healthz_bind_address, health), (config.metrics_bind_address, Health()))
    return [HealthServer(*host_port(address), health=served) for address, served in wanted if address]
