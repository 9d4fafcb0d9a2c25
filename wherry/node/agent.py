"""The node agent: puts the parts together and runs them. One process per node, in the node's network namespace.

It may be killed at any time: pods go on, and the next agent of the same sandbox takes them over.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from functools import partial
from pathlib import Path

import aiohttp

from wherry.client.interface import Client
from wherry.component.component import Component
from wherry.component.health import Health
from wherry.component.informer import Informer
from wherry.component.supervise import supervise
from wherry.images import machinestores, registries
from wherry.images.registry.network import Vantage
from wherry.images.store.collect import keep_collecting
from wherry.images.store.store import Store
from wherry.net import links
from wherry.net.nft import NftCommand
from wherry.net.sysctls import sysctl
from wherry.node import cgroups, configz, registration
from wherry.node.config import NodeConfig
from wherry.node.filesystem import NodeFileSystem
from wherry.node.images import machineroot
from wherry.node.images.pulls import Pulls
from wherry.node.images.sources import Sources
from wherry.node.network.addresses import AddressPool
from wherry.node.network.arrivals import Arrivals
from wherry.node.network.fence import Fence, Unfenced
from wherry.node.network.hostports import HostPorts
from wherry.node.pods.act.holder import Holders
from wherry.node.pods.act.node import NodeServices
from wherry.node.pods.act.objectcache import ObjectCache
from wherry.node.pods.act.sandboxes import Sandboxes, SandboxSettings
from wherry.node.pods.act.withdraw import EndpointWatch
from wherry.node.pods.manager import PodManager
from wherry.node.pods.manifests import Manifests, PodForm
from wherry.node.pods.mirrors import Mirrors
from wherry.node.pods.static import StaticPods
from wherry.node.pods.view import PodView
from wherry.node.registration import Registration
from wherry.node.routes import RouteKeeper
from wherry.node.runtime import machine
from wherry.node.runtime.containers import Containers
from wherry.node.runtime.logrotation import keep_rotating
from wherry.node.stats import Stats
from wherry.node.streaming.nodelogs import NodeLogs
from wherry.node.streaming.server import StreamingServer, server_tls
from wherry.node.volumes.claims import ClaimSource
from wherry.node.volumes.manager import VolumeManager
from wherry.node.volumes.reclaim import Reclaimer
from wherry.node.volumes.tokens import TokenSource
from wherry.objects.family import network
from wherry.objects.resource import NODES, PODS, SERVICES

__all__ = ["NodeConfig", "run"]

log = logging.getLogger(__name__)

SYSCTLS = {
    # A pod's packets come in on one link and, through a Service's address, may go out again on the same.
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/default/rp_filter": "0",
    "net/ipv4/conf/all/send_redirects": "0",
    "net/ipv4/conf/default/send_redirects": "0",
}
MIGRATE = ("net/ipv4/tcp_migrate_req", "1")
"""Of listeners that share a port (SO_REUSEPORT), one that closes leaves the connections in its queue to the others: so
an Ingress controller takes over from another on its node without a reset."""


async def run(config: NodeConfig, client: Client, fence: Fence | None = None, form: PodForm | None = None) -> None:
    """Be the node until cancelled. `fence` hears of the pods' addresses first; `form` judges static pods.

    Raises RuntimeMissingError, ImageMapError, RegistriesError, OSError where it cannot begin.
    """
    agent = await asyncio.to_thread(Agent, config, client, fence or Unfenced(), form)
    await agent.component.run()


class Agent:
    """The parts that last, and how a life of its pods' part is put together."""

    def __init__(self, config: NodeConfig, client: Client, fence: Fence, form: PodForm | None):
        self.component = component = Component(f"node-{config.name}", client)
        self._config = config
        self._fence = fence
        self._form = form
        self._programs = machine.programs(config.runtime)
        self._files = NodeFileSystem(config.state_dir, config.run_dir, config.hidden)
        self._containers = Containers(self._programs, config.run_dir, config.state_dir)
        _prepare(config, self._containers, self._files)
        self._root = machineroot.prepare(config.run_dir, config.state_dir, config.hidden)
        pulls = _pulls(config)
        self._images = Sources(config.image_maps, self._root, pulls)
        self._controllers = cgroups.prepare(config.cgroup_parent)
        self._machines = machine.describe(self._programs, self._controllers)
        self._hardware = registration.hardware(config.state_dir)
        self._events = component.recorder("kubelet", config.name)
        self._nodes = nodes = component.follow(NODES)
        self._registration = Registration(client, config, self._hardware, self._programs, self._machines)
        self._registration.heed(nodes)
        component.task("registration", self._registration.run)
        component.task("routes", RouteKeeper(nodes, config.name).run)
        component.task("volumes", Reclaimer(component, config.name, self._files, self._events).run)
        component.task("pods", self._pods)
        if pulls is not None:
            component.task("image collection", partial(keep_collecting, pulls.store))

    async def _pods(self) -> None:
        """Live for the node's pods until cancelled; what fell over has a successor, as a killed agent has."""
        config, component = self._config, self._component_of_pods()
        connector = aiohttp.TCPConnector(ssl=False, force_close=True, limit=0)
        async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as tasks:
            node = self._services(component, session)
            pods = component.follow(PODS, fields=f"spec.nodeName={config.name}")
            manager = PodManager(node, pods, tasks, config.state_dir, component.troubles.part("a pod"))
            component.task("log rotation", partial(keep_rotating, manager.growing_logs))
            await manager.begin()
            await self._keep_static(manager, pods, component, tasks)
            await self._registration.registered.wait()
            tasks.create_task(component.run())
            await manager.start()
            served = (config, PodView(node, manager), self._hardware.memory, self.component.health)
            component.task("server", partial(_serve, *served))

    async def _keep_static(
        self, manager: PodManager, pods: Informer, component: Component, tasks: asyncio.TaskGroup
    ) -> None:
        """Run the pods of the node's own files from now on, whether there is an API server or not."""
        config = self._config
        if self._form is None:
            manager.keep_static({})
            return
        mirrors = Mirrors(component.client, config.name, pods, lambda: manager.static, component.troubles)
        manifests = Manifests(config.static_pods, config.name, self._form)
        static = StaticPods(manifests, manager, mirrors, self._events)
        await static.begin()
        component.task("mirror pods", mirrors.run)
        tasks.create_task(supervise("static pods", static.run, component.troubles))

    def _component_of_pods(self) -> Component:
        """Return what one life follows: it ends with it."""
        component = Component(self.component.name, self.component.client, troubles=self.component.troubles)
        self.component.health.ready("pods", component.unsynced)
        return component

    def _services(self, component: Component, session: aiohttp.ClientSession) -> NodeServices:
        config = self._config
        settings = SandboxSettings(
            config.run_dir,
            config.cgroup_parent,
            tuple(config.addresses),
            config.cluster_dns,
            config.cluster_domain,
            config.pod_pids_limit,
            config.name_servers,
        )
        holders = Holders(self._programs, self._containers.root, self._root)
        pools = [
            AddressPool(config.run_dir / "addresses" / str(family), cidr)
            for family, cidr in zip(config.families, config.pod_cidrs, strict=True)
        ]
        sandboxes = Sandboxes(settings, pools, holders)
        tokens = TokenSource(component.client)
        claims = ClaimSource(component.client, lambda: self._nodes.get("", config.name))
        return NodeServices(
            addresses=tuple(config.addresses),
            allocatable=self._hardware.allocatable,
            arrivals=Arrivals(),
            client=component.client,
            containers=self._containers,
            endpoints=EndpointWatch(component),
            events=self._events,
            fence=self._fence,
            files=self._files,
            host_ports=HostPorts(NftCommand(), config.addresses, sandboxes.host_ports),
            images=self._images,
            machines=self._machines,
            objects=ObjectCache(component),
            sandboxes=sandboxes,
            services=component.follow(SERVICES),
            session=session,
            volumes=VolumeManager(config.run_dir, config.state_dir, self._files, tokens, claims, config.addresses),
        )


async def _serve(config: NodeConfig, pods: PodView, memory: int, health: Health) -> None:
    """Run the node's HTTPS server until cancelled."""
    tls = server_tls(config.serving_certificate, config.serving_key, config.client_ca)
    logs = NodeLogs({**config.component_logs, "pods": config.state_dir / "logs"})
    stats = Stats(config.name, config.cgroup_parent, memory, config.state_dir, pods.groups)
    pages = [*logs.routes(), *stats.routes(), *configz.routes(config)]
    server = StreamingServer(pods, config.address, config.port, tls=tls, health=health, pages=pages)
    await server.start()
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        await server.stop()


def _pulls(config: NodeConfig) -> Pulls | None:
    """Return what asks registries, if there is a place for what they give."""
    if config.images is None:
        return None
    near = tuple(map(network, config.near))
    store = Store(config.images, users=config.state_dir.parent)
    places = machinestores.of_this_machine()
    return Pulls(store, registries.load(config.registries, near), Vantage(config.machine_network, near), places)


def _prepare(config: NodeConfig, containers: Containers, files: NodeFileSystem) -> None:
    for folder in (config.state_dir, config.run_dir):
        Path(folder).mkdir(parents=True, exist_ok=True)
    for name, value in SYSCTLS.items():
        sysctl(name, value)
    with contextlib.suppress(FileNotFoundError):  # before Linux 5.14
        sysctl(*MIGRATE)
    links.forward(config.families)
    with links.Links() as own:
        for cidr in config.pod_cidrs:
            own.unreachable(cidr)  # an address no pod has is refused at once, not sent to the default gateway
    files.mount()
    containers.prepare()
