"""Runs every controller in one event loop, over shared caches."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from wherry.client.interface import Client
from wherry.component.events import EventWriter
from wherry.controllers.config import ControllersConfig
from wherry.controllers.context import Caches, Context
from wherry.controllers.controller import Runner
from wherry.controllers.daemonset.controller import DaemonSetController
from wherry.controllers.deployment.controller import DeploymentController
from wherry.controllers.endpoints import EndpointsController
from wherry.controllers.endpointslice.controller import EndpointSliceController
from wherry.controllers.endpointslice.mirroring import EndpointSliceMirroringController
from wherry.controllers.eventttl import EventTTLController
from wherry.controllers.garbagecollector.controller import GarbageCollector
from wherry.controllers.namespace import NamespaceController
from wherry.controllers.nodelifecycle.controller import NodeLifecycleController
from wherry.controllers.nodelifecycle.evictor import TaintEvictionController
from wherry.controllers.podgc import PodGCController
from wherry.controllers.replicaset.controller import ReplicaSetController
from wherry.controllers.rootca import RootCAController
from wherry.controllers.serviceaccount import ServiceAccountController

log = logging.getLogger(__name__)

CONTROLLERS: tuple[type[Runner], ...] = (
    NamespaceController,
    ServiceAccountController,
    RootCAController,
    DeploymentController,
    ReplicaSetController,
    DaemonSetController,
    EndpointsController,
    EndpointSliceController,
    EndpointSliceMirroringController,
    GarbageCollector,
    NodeLifecycleController,
    TaintEvictionController,
    PodGCController,
    EventTTLController,
)

RESTART_SECONDS = (0.1, 1.0, 5.0, 30.0)
CALM_SECONDS = 300.0
"""A task that ran for so long before it crashed starts again at the shortest pause."""


async def run(
    client: Client,
    config: ControllersConfig,
    *,
    controllers: Sequence[type[Runner]] = CONTROLLERS,
    clock: Callable[[], float] = time.time,
) -> None:
    """Run the controllers until cancelled. A crash is logged and ends nothing but a moment of one controller's work."""
    caches, events = Caches(client), EventWriter(client, clock=clock)
    made: list[Runner] = []
    for make in controllers:
        made.append(make(Context(client, config, caches, events, clock)))
    async with asyncio.TaskGroup() as group:
        group.create_task(supervise("event writer", events.run))
        for informer in caches.informers:
            group.create_task(supervise(f"informer of {informer.resource.group_resource}", informer.run))
        for controller in made:
            group.create_task(_run_synced(controller))


async def supervise(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Call `work` again whenever it ends or crashes, after a pause that grows with every crash in a row."""
    crashes = 0
    while True:
        started = time.monotonic()
        try:
            await work()
        except Exception:
            log.exception("%s crashed, it will be restarted", name)
        else:
            log.error("%s ended unasked, it will be restarted", name)
        crashes = 0 if time.monotonic() - started > CALM_SECONDS else crashes + 1
        await asyncio.sleep(RESTART_SECONDS[min(crashes, len(RESTART_SECONDS)) - 1])


async def _run_synced(controller: Runner) -> None:
    await controller.context.synced()
    log.info("controller started name=%s", controller.name)
    await supervise(controller.name, controller.run)
