"""Starts a pod's containers: pulls the image, prepares, starts; and says what keeps one from starting."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from wherry.node.images.source import Image, PullError
from wherry.node.pods import backoff, preparing
from wherry.node.pods.env import ConfigError
from wherry.node.pods.memory import Memory
from wherry.node.pods.plan import pause_after
from wherry.node.pods.services import NodeServices
from wherry.node.pods.state import Waiting
from wherry.node.runtime import logrotation
from wherry.node.runtime.conmon import CreateError
from wherry.node.runtime.instance import Instance
from wherry.node.runtime.security import UserError
from wherry.node.volumes.errors import VolumeError
from wherry.objects import Object

CONFIG_RETRY_SECONDS = 10.0
PULL_ERROR_SHOWN_SECONDS = 1.0
START_ERROR_CODE = 128  # as containerd tells a container whose program could not be started

MISCONFIGURED = "CreateContainerConfigError"


class ContainerStarter:
    """Starts the containers of the pod in `memory`."""

    def __init__(self, node: NodeServices, memory: Memory):
        self._node = node
        self._memory = memory

    async def start(self, name: str, attempt: int) -> Instance | None:
        """Start run `attempt` of a container, whose pod has its sandbox and volumes; returns the run.

        Returns None when it could not be started: `memory.failed` then says why, or the run is told as ended.
        """
        memory = self._memory
        container = memory.container(name)
        image = await self._pull(container)
        if image is None:
            return None
        places = memory.places or {}
        try:
            prepared = await asyncio.to_thread(
                preparing.prepare, self._node, memory.pod, container, attempt, image, memory.ip, places
            )
        except (ConfigError, UserError, VolumeError) as error:
            self._misconfigured(container, str(error))
            return None
        try:
            started = await preparing.start(self._node, memory.pod, prepared)
        except (CreateError, OSError) as error:
            await self._not_startable(prepared.run, container, str(error))
            return None
        memory.failed.pop(name, None)
        memory.event("Normal", "Created", f"Created container: {name}", container)
        memory.event("Normal", "Started", f"Started container {name}", container)
        await self._add(started)
        return started

    async def _add(self, run: Instance) -> None:
        for old in self._memory.runs.add(run):
            await self._node.containers.forget(old)
            await asyncio.to_thread(logrotation.remove, self._node.containers.log_path(self._memory.pod, old))

    async def _pull(self, container: Object) -> Image | None:
        """Return the image; None when it cannot be had, which is then what the container waits for."""
        reference = container["image"]
        try:
            image = await self._node.images.pull(reference, container.get("imagePullPolicy") or "IfNotPresent")
        except PullError as error:
            self._not_pulled(container, error)
            return None
        text = f'Container image "{reference}" already present on machine'
        self._memory.event("Normal", "Pulled", text, container)
        return image

    def _not_pulled(self, container: Object, error: PullError) -> None:
        name, memory = container["name"], self._memory
        before = memory.failed.get(name)
        pause = backoff.following(before.pause if before and "Image" in before.reason else 0.0)
        memory.failed[name] = Waiting(error.reason, error.message, time.time() + pause, pause)
        memory.event("Warning", "Failed", f'Failed to pull image "{container["image"]}": {error.message}', container)
        memory.event("Warning", "Failed", f"Error: {error.reason}", container)
        if error.reason == "ErrImagePull":
            asyncio.get_running_loop().call_later(PULL_ERROR_SHOWN_SECONDS, self._show_pull_backoff, container)

    def _show_pull_backoff(self, container: Object) -> None:
        """Go over from ErrImagePull, the failure, to ImagePullBackOff, the wait, as upstream does on its next sync."""
        memory = self._memory
        failure = memory.failed.get(container["name"])
        if failure is None or failure.reason != "ErrImagePull":
            return
        text = f'Back-off pulling image "{container["image"]}"'
        message = f"{text}: ErrImagePull: {failure.message}"
        memory.failed[container["name"]] = replace(failure, reason="ImagePullBackOff", message=message)
        memory.event("Normal", "BackOff", text, container)
        memory.event("Warning", "Failed", "Error: ImagePullBackOff", container)
        memory.changed.set()

    def _misconfigured(self, container: Object, message: str) -> None:
        self._memory.failed[container["name"]] = Waiting(MISCONFIGURED, message, time.time() + CONFIG_RETRY_SECONDS)
        self._memory.event("Warning", "Failed", f"Error: {message}", container)

    async def _not_startable(self, run: Instance, container: Object, message: str) -> None:
        """Count a run whose program could not be started as one that has ended, so that it backs off like any other."""
        now = time.time()
        end = {"started_at": now, "finished_at": now, "exit_code": START_ERROR_CODE, "reason": "StartError"}
        pause = pause_after(run.but(started_at=now), self._memory.runs.latest(run.container), now)
        failed = run.but(**end, message=message, backoff=pause)
        self._node.containers.save(failed)
        await self._add(failed)
        self._memory.event("Warning", "Failed", f"Error: {message}", container)
        await self._node.containers.retire(failed)
