"""The parts of one node agent that acts use: everything of the node a pod's life touches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aiohttp

from wherry.client.interface import Client
from wherry.component.events import EventRecorder
from wherry.component.informer import Informer
from wherry.node.filesystem import NodeFileSystem
from wherry.node.images.source import ImageSource
from wherry.node.network.arrivals import Arrivals
from wherry.node.network.fence import Fence
from wherry.node.network.hostports import HostPorts
from wherry.node.pods.act.objectcache import ObjectCache
from wherry.node.pods.act.sandboxes import Sandboxes
from wherry.node.pods.act.withdraw import EndpointWatch
from wherry.node.probes.check import ProbeTarget
from wherry.node.runtime.containers import Containers
from wherry.node.runtime.instance import Instance
from wherry.node.runtime.spec import Machine
from wherry.node.volumes.manager import VolumeManager
from wherry.objects import Object


@dataclass(frozen=True, slots=True)
class NodeServices:
    """The parts of one node agent. `allocatable`: cpu in millicores, memory and ephemeral-storage in bytes.

    `machines`: what containers can have, by the handler that runs them.
    """

    addresses: tuple[str, ...]
    allocatable: dict[str, int]
    arrivals: Arrivals
    client: Client
    containers: Containers
    endpoints: EndpointWatch
    events: EventRecorder
    fence: Fence
    files: NodeFileSystem
    host_ports: HostPorts
    images: ImageSource
    machines: Mapping[str, Machine]
    objects: ObjectCache
    sandboxes: Sandboxes
    services: Informer
    session: aiohttp.ClientSession
    volumes: VolumeManager

    def machine(self, handler: str) -> Machine:
        """Return what containers of a handler can have; of one that has gone since, what usual ones have."""
        return self.machines.get(handler) or self.machines[""]

    def probe_target(self, run: Instance, container: Object, ip: str) -> ProbeTarget:
        """Return what the probes and hooks of a running container are tried on."""

        async def execute(command: Sequence[str], timeout: float) -> tuple[int, str]:
            return await self.containers.execute(run, command, timeout)

        return ProbeTarget(container, ip, self.session, execute, lambda: self.arrivals.leave_out_next(ip))
