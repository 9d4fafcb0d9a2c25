"""The running proxy: watches in, transactions out.

Three informers feed `Changes`; whatever has gathered there becomes one transaction, and while it is under way the next
one gathers. An error loads the whole plan again. Nothing is taken back at the end: the rules outlive the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from wherry.client.interface import Client
from wherry.component.backoff import Backoff
from wherry.component.component import Component
from wherry.component.health import Health, HealthServer
from wherry.component.troubles import Part
from wherry.net import addresses, conntrack
from wherry.objects import Object
from wherry.objects.meaning.wellknown import HEADLESS, SERVICE_PROXY_NAME
from wherry.objects.resource import ENDPOINT_SLICES, NODES, SERVICES
from wherry.proxy import metrics, modes
from wherry.proxy.changes import Changes, Judge
from wherry.proxy.config import ProxyConfig, cidrs, host_port
from wherry.proxy.conntrack_settings import settings
from wherry.proxy.counters import COUNTED_MODES, Counters
from wherry.proxy.health_check import HealthChecks
from wherry.proxy.modes import Mode, ModeConfig, ModeError
from wherry.proxy.modes.ipvs.names import LINK as IPVS_LINK
from wherry.proxy.modes.userspace.names import DOORS
from wherry.proxy.no_local import NoLocal
from wherry.proxy.node_health import NodeHealth, NodeMetrics
from wherry.proxy.node_ports import chosen
from wherry.proxy.plan import Change
from wherry.proxy.service import ServiceKey
from wherry.proxy.topology import ThisNode
from wherry.telemetry import metrics as telemetry

log = logging.getLogger(__name__)

SELECTOR = f"!{SERVICE_PROXY_NAME},!{HEADLESS}"
FIRST_RETRY_SECONDS = 0.1
LONGEST_RETRY_SECONDS = 10.0
LEAST_REST = 50
"""Times a proof's duration that lie between two, however short the period is: large plans take a second."""
REPAIR_REST_SECONDS = 0.1
"""How long a repair has before it is looked at, should another damage the rules again and again."""
LONGEST_TEXT = 1000  # of an Event's message; the API takes 1024 bytes
TAKEN_SECONDS = 5.0
"""How long until an address of health or metrics that somebody has is tried again."""

RETIRING_SECONDS = 5.0
"""How long until connections by a mode that was replaced are looked at again."""


def make_mode(config: ProxyConfig) -> Mode:
    """Return the mode a configuration asks for; raises `UnsupportedMode`."""
    return modes.make(config.mode, mode_config(config))


def other_modes(config: ProxyConfig) -> list[Mode]:
    """Return the modes that the configured one replaces."""
    return modes.others(config.mode, mode_config(config))


def mode_config(config: ProxyConfig) -> ModeConfig:
    """Return what a configuration tells a mode."""
    return ModeConfig(
        cidrs(config.cluster_cidr),
        cidrs(config.service_cidr),
        config.tcp_be_liberal,
        config.masquerade_all,
        config.masquerade_bit,
        config.ipvs_scheduler,
        cidrs(config.ipvs_exclude_cidrs),
        config.ipvs_strict_arp,
        config.conntrack_udp_timeout_stream,
    )


async def run(client: Client, config: ProxyConfig, mode: Mode | None = None) -> None:
    """Keep this node's Services working until cancelled; the rules stay then.

    Raises `UnsupportedMode`. The API server and the kernel may fail, and a bind address may be taken: all of that is
    tried again for ever. `mode` replaces the one `config` names, for tests.
    """
    health = NodeHealth(mode=modes.check(config.mode))
    component = Component("proxy", client, health=health)
    replaced = [] if mode else other_modes(config)
    proxy = Proxy(component, config, mode or make_mode(config), replaced, health)
    try:
        await component.run()
    finally:
        await proxy.stop()


def _why_uncounted(config: ProxyConfig) -> str:
    """Return why a proxy of this configuration does not count, "" if it does."""
    if not config.count_traffic:
        return "it is run without --count-traffic"
    mode = modes.check(config.mode)
    return "" if mode in COUNTED_MODES else f"in mode {mode} nothing of the kind can be counted"


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

    def __init__(self, component: Component, config: ProxyConfig, mode: Mode, replaced: list[Mode], health: NodeHealth):
        self.health = health
        self._component = component
        self._name = config.node_name
        self._min_period = config.sync_min_period
        self._mode = mode
        self._replaced = replaced
        self._failures = metrics.failures(config.mode)
        self._port_cidrs = config.node_port_cidrs
        self._conntrack = settings(config, os.cpu_count() or 1)
        self._changes = Changes(ThisNode(config.node_name), Planning(component.troubles.part("planning"), self._again))
        self._no_local = NoLocal()
        self._checks = HealthChecks(lambda: self.health.healthy)
        self._wake = asyncio.Event()
        self._suspicion = asyncio.Event()
        self._drifted: list[str] = []
        self._left_out: set[ServiceKey] = set()
        self._counters = Counters()
        self._uncounted = _why_uncounted(config)
        self._sync_period = config.sync_period
        self._services = component.follow(SERVICES, labels=SELECTOR)
        self._services.subscribe(self._service)
        component.follow(ENDPOINT_SLICES, labels=SELECTOR).subscribe(self._slice)
        self._node = component.follow(NODES, fields=f"metadata.name={config.node_name}")
        self._node.subscribe(self._this_node)
        self._recorder = component.recorder("kube-proxy", config.node_name)
        telemetry.registry.register(self._counters.totals)
        component.task("rules", self._keep)
        if self._port_cidrs is not None:
            component.task("node port addresses", self._follow_addresses)
        for what, address, served in (
            ("Healthcheck", config.healthz_bind_address, health),
            ("Metrics", config.metrics_bind_address, NodeMetrics(health, self._look)),
        ):
            if address:
                component.task(f"{what} server", partial(self._serve, what, address, served))

    async def stop(self) -> None:
        """Answer no more health checks; the rules stay."""
        telemetry.registry.unregister(self._counters.totals)
        await self._checks.stop()

    async def _serve(self, what: str, address: str, served: Health) -> None:
        """Answer there as long as the proxy runs. The rules do not wait for an address that somebody has."""
        while True:
            try:
                async with HealthServer(*host_port(address), health=served):
                    await asyncio.get_running_loop().create_future()
            except OSError as error:
                log.warning("%s on %s: %s; again in %.0f s", what, address, error, TAKEN_SECONDS)
                self._tell_node(f"FailedToStartProxier{what}", f"{what} cannot listen on {address}: {error}")
                await asyncio.sleep(TAKEN_SECONDS)

    async def _keep(self) -> None:
        await self._component.synced()
        if self._node.get("", self._name) is None:
            log.warning("node %s is not registered: no NodePorts until it is", self._name)
        for name, value in self._conntrack.items():
            conntrack.tune(name, value)
        async with self._mode.at_work(self._suspicion.set):
            await self._count()  # first, so that who hears of the mode finds it counting
            await self._load()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._follow())
                tasks.create_task(self._prove())
                tasks.create_task(self._replace())

    async def _count(self) -> None:
        """Have the kernel count, if it is to; Services work without."""
        if not self._uncounted:
            try:
                await self._counters.begin()
            except ModeError as error:
                self._uncounted = str(error)
                log.warning("%s", error)
        metrics.counting.clear()
        metrics.counting.labels(self._uncounted).set(not self._uncounted)

    async def _look(self) -> None:
        """Bring the metrics of what is counted up to date."""
        if self._uncounted:
            return
        try:
            await self._counters.look(self._changes.plan.routes)
        except ModeError as error:
            log.warning("%s; counting anew", error)
            await self._count()

    async def _replace(self) -> None:
        """Take away what other modes left, as soon as no connection needs it: so a mode is changed without a pause."""
        if self._replaced and self._uncounted:
            with contextlib.suppress(ModeError):  # where there is no nft, nothing is left
                await self._counters.cleanup()
        while self._replaced:
            self._replaced = [mode for mode in self._replaced if not await self._has_retired(mode)]
            if self._replaced:
                await asyncio.sleep(RETIRING_SECONDS)

    async def _has_retired(self, mode: Mode) -> bool:
        try:
            return await mode.retire()
        except ModeError as error:
            log.warning("what another mode left may still be there: %s", error)
            return True

    async def _follow(self) -> None:
        while True:
            await self._wake.wait()
            started = time.monotonic()
            if self._drifted:
                await self._repair()
            await self._sync()
            await asyncio.sleep(max(0.0, self._min_period - (time.monotonic() - started)))

    async def _repair(self) -> None:
        what = ", ".join(self._drifted)
        self._drifted = []
        log.warning("not as it was left, by another's hand: %s; loading the rules again", what)
        self._tell_node("RulesRepaired", f"Another has changed the rules of Services ({what}): they are loaded again")
        await self._load()

    async def _prove(self) -> None:
        """Look for the whole plan in the kernel once in a period, and when another may have changed what is there."""
        took = 0.0
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(self._sync_period, LEAST_REST * took) if self._sync_period else None):
                    await self._suspicion.wait()
            self._suspicion.clear()
            started = time.monotonic()
            self._drifted = await self._differences()
            took = time.monotonic() - started
            metrics.proofs.labels("drifted" if self._drifted else "proven").inc()
            if self._drifted:
                self._wake.set()
                await asyncio.sleep(REPAIR_REST_SECONDS)

    async def _differences(self) -> list[str]:
        try:
            return await self._mode.differences(self._changes.plan)
        except ModeError as error:
            return [str(error)]

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
                self._failures.inc()
                self.health.failed(str(error))
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
            self._failures.inc()
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
        self._tell_left_out(change)
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

    def _tell_left_out(self, change: Change) -> None:
        for key, lines in change.left_out.items():
            self._left_out.discard(key)
            service = self._services.get(*key)
            if lines and service:
                self._left_out.add(key)
                log.warning("%s/%s: left out: %s", *key, "; ".join(lines))
                self._recorder.event(SERVICES, service, "Warning", "LeftOut", "; ".join(lines)[:LONGEST_TEXT])
        metrics.left_out.set(len(self._left_out))

    def _tell_node(self, reason: str, text: str) -> None:
        if node := self._node.get("", self._name):
            self._recorder.event(NODES, node, "Warning", reason, text)

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
        self._know_node()

    async def _follow_addresses(self) -> None:
        async for _ in addresses.changes():
            self._know_node()

    def _know_node(self) -> None:
        this = ThisNode.of(self._name, self._node.get("", self._name))
        if self._port_cidrs is not None:
            there = addresses.local(without=[IPVS_LINK]) - set(DOORS.values())
            this = replace(this, node_port_addresses=chosen(there, self._port_cidrs))
        self._changes.node(this)
        if len(self._changes):
            self._queue()

    def _queue(self) -> None:
        metrics.last_queued.set(time.time())
        self.health.queued()
        self._wake.set()
