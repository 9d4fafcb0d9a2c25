"""Our controllers and scheduler on any cluster, as a process: realcontrollers.py KUBECONFIG CA."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from wherry.client.http import HttpClient, connect_component
from wherry.component import process
from wherry.controllers import manager
from wherry.controllers.config import ControllersConfig
from wherry.scheduler import run as scheduler
from wherry.scheduler.config import SchedulerConfig
from wherry.telemetry import log


async def both(client: HttpClient, ca: str) -> None:
    controllers = manager.make(client, ControllersConfig(Path(ca).read_text()))
    async with asyncio.TaskGroup() as tasks:
        for component in (controllers, scheduler.make(client, SchedulerConfig())):
            tasks.create_task(component.run())


if __name__ == "__main__":
    log.setup("controllers")
    api = connect_component(sys.argv[1])
    process.run(both(api, sys.argv[2]), api)
