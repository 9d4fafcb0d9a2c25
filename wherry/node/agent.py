"""The node agent: puts the parts together and runs them. One process per node, in the node's network namespace.

It may be killed at any time: pods go on, and the next agent of the same sandbox takes them over.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import aiohttp

from wherry.client.interface import Client
from wherry.component.events import EventWriter
from wherry.component.informer import Informer
from wherry.net import links
from wherry.net.nft import NftCommand
from wherry.node import cgroups, configz, registration
from wherry.node.config import NodeConfig
from wherry.node.filesystem import NodeFileSystem
from wherry.node.images.imagemap import ImageMap
from wherry.node.network.addresses import AddressPool
from wherry.node.network.hostports import HostPorts
from wherry.node.pods.act.node import NodeServices
from wherry.node.pods.act.objectcache import ObjectCache
from wherry.node.pods.act.sandboxes import Sandboxes, SandboxSettings
from wherry.node.pods.act.withdraw import EndpointWatch
from wherry.node.pods.manager import PodManager
from wherry.node.pods.view import PodView
from wherry.node.registration import Registration
from wherry.node.routes import RouteKeeper
from wherry.node.runtime import machine
from wherry.node.runtime.containers import Containers
from wherry.node.runtime.logrotation import keep_rotating
from wherry.node.stats import Stats
from wherry.node.streaming.nodelogs import NodeLogs
from wherry.node.streaming.server import StreamingServer, server_tls
from wherry.node.volumes.manager import VolumeManager
from wherry.node.volumes.tokens import TokenSource
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


async def run(config: NodeConfig, client: Client) -> None:
    """Be the node until cancelled. Raises RuntimeMissingError, ImageMapError, OSError where it cannot begin."""
    programs = machine.programs(config.runtime)
    containers = Containers(programs, config.run_dir, config.state_dir)
    files = NodeFileSystem(config.state_dir, config.run_dir)
    await asyncio.to_thread(_prepare, config, containers, files)
    controllers = await asyncio.to_thread(cgroups.prepare, config.cgroup_parent)
    hardware = registration.hardware(config.state_dir)
    addresses = AddressPool(config.run_dir / "addresses", config.pod_cidrs[0])
    settings = SandboxSettings(
        config.run_dir, config.cgroup_parent, config.address, config.cluster_dns, config.cluster_domain
    )
    sandboxes = Sandboxes(settings, addresses)
    pods = Informer(client, PODS, fields=f"spec.nodeName={config.name}")
    nodes, services = Informer(client, NODES), Informer(client, SERVICES)
    events = EventWriter(client)
    keeper = Registration(client, config, hardware, programs)
    connector = aiohttp.TCPConnector(ssl=False, force_close=True, limit=0)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as tasks:
        node = NodeServices(
            address=config.address,
            allocatable=hardware.allocatable,
            client=client,
            containers=containers,
            endpoints=EndpointWatch(client, tasks),
            events=events.recorder("kubelet", config.name),
            host_ports=HostPorts(NftCommand(), config.address, sandboxes.host_ports),
            images=ImageMap(config.image_maps),
            machine=machine.describe(programs, controllers, [str(config.state_dir), *map(str, config.hidden)]),
            objects=ObjectCache(client, tasks),
            sandboxes=sandboxes,
            services=services,
            session=session,
            volumes=VolumeManager(config.run_dir, config.state_dir, files, TokenSource(client), config.address),
        )
        manager = PodManager(node, pods, tasks, config.state_dir)
        for informer in (pods, nodes, services):
            tasks.create_task(informer.run())
        tasks.create_task(events.run())
        await keeper.register()
        log.info("node registered: node=%s address=%s runtime=%s", config.name, config.address, programs.name)
        keeper.heed(nodes)
        tasks.create_task(keeper.run())
        tasks.create_task(RouteKeeper(nodes, config.name).run())
        await manager.start()
        tasks.create_task(_serve(config, PodView(node, manager), hardware.memory))
        tasks.create_task(keep_rotating(manager.growing_logs))


async def _serve(config: NodeConfig, pods: PodView, memory: int) -> None:
    """Run the node's HTTPS server until cancelled."""
    tls = server_tls(config.serving_certificate, config.serving_key, config.client_ca)
    logs = NodeLogs({**config.component_logs, "pods": config.state_dir / "logs"})
    stats = Stats(config.name, config.cgroup_parent, memory, config.state_dir, pods.groups)
    pages = [*logs.routes(), *stats.routes(), *configz.routes(config)]
    server = StreamingServer(pods, config.address, config.port, tls=tls, pages=pages)
    await server.start()
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        await server.stop()


def _prepare(config: NodeConfig, containers: Containers, files: NodeFileSystem) -> None:
    for folder in (config.state_dir, config.run_dir):
        Path(folder).mkdir(parents=True, exist_ok=True)
    for name, value in SYSCTLS.items():
        links.sysctl(name, value)
    links.forward(config.families)
    with links.Links() as own:
        for cidr in config.pod_cidrs:
            own.unreachable(cidr)  # an address no pod has is refused at once, not sent to the default gateway
    files.mount()
    containers.prepare()
