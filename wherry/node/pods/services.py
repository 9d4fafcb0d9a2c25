"""What pod workers share: everything of the node a pod's life touches."""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp

from wherry.client.interface import Client
from wherry.component.events import EventRecorder
from wherry.component.informer import Informer
from wherry.node.images.source import ImageSource
from wherry.node.network.hostports import HostPorts
from wherry.node.pods.objectcache import ObjectCache
from wherry.node.pods.sandbox import Sandboxes
from wherry.node.runtime.containers import Containers
from wherry.node.runtime.spec import Machine
from wherry.node.volumes.manager import VolumeManager


@dataclass(frozen=True, slots=True)
class NodeServices:
    """The parts of one node agent. `allocatable`: cpu in millicores, memory and ephemeral-storage in bytes."""

    address: str
    allocatable: dict[str, int]
    client: Client
    containers: Containers
    events: EventRecorder
    host_ports: HostPorts
    images: ImageSource
    machine: Machine
    objects: ObjectCache
    sandboxes: Sandboxes
    services: Informer
    session: aiohttp.ClientSession
    volumes: VolumeManager
