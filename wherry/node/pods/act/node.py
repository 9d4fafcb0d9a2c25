"""The parts of one node agent that acts use: everything of the node a pod's life touches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import aiohttp

from wherry.client.interface import Client
from wherry.component.events import EventRecorder
from wherry.component.informer import Informer
from wherry.node.images.source import ImageSource
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

    `probed`: how often this agent has connected to a pod's address to probe it.
    """

    address: str
    allocatable: dict[str, int]
    client: Client
    containers: Containers
    endpoints: EndpointWatch
    events: EventRecorder
    host_ports: HostPorts
    images: ImageSource
    machine: Machine
    objects: ObjectCache
    sandboxes: Sandboxes
    services: Informer
    session: aiohttp.ClientSession
    volumes: VolumeManager
    probed: Counter[str] = field(default_factory=Counter)

    def probe_target(self, run: Instance, container: Object, ip: str) -> ProbeTarget:
        """Return what the probes and hooks of a running container are tried on."""

        async def execute(command: Sequence[str], timeout: float) -> tuple[int, str]:
            return await self.containers.execute(run.id, command, timeout)

        return ProbeTarget(container, ip, self.session, execute, lambda: self.probed.update([ip]))
