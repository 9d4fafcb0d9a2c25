"""Starting a container: pulls the image, prepares, starts; and says what keeps it from starting."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from wherry.node.downward.env import ConfigError
from wherry.node.images.source import Image, PullError
from wherry.node.pods.act import prepare
from wherry.node.pods.act.node import NodeServices
from wherry.node.pods.act.telling import tell
from wherry.node.pods.plan import failures
from wherry.node.pods.plan.backoff import next_start
from wherry.node.pods.plan.containers import container_of
from wherry.node.pods.plan.events import Failed, RunBegan
from wherry.node.pods.plan.state import State
from wherry.node.runtime.conmon import CreateError
from wherry.node.runtime.instance import Instance
from wherry.node.runtime.security import UserError
from wherry.node.volumes.errors import VolumeError
from wherry.objects import Object

START_ERROR_CODE = 128  # as containerd tells a container whose program could not be started


async def start(node: NodeServices, pod: Object, state: State, name: str, attempt: int) -> RunBegan | Failed:
    """Start run `attempt` of a container, whose pod has its sandbox and volumes.

    A program that could not be started counts as a run that has ended, so that it backs off like any other.
    """
    container = container_of(pod, name)
    image = await _pull(node, pod, state, container)
    if isinstance(image, Failed):
        return image
    try:
        prepared = await asyncio.to_thread(
            prepare.prepare, node, pod, container, attempt, image, state.ip, state.places or {}
        )
    except (ConfigError, UserError, VolumeError) as error:
        tell(node.events, pod, "Warning", "Failed", f"Error: {error}", container)
        return Failed(name, failures.misconfigured(str(error), time.time()))
    try:
        run = await prepare.start(node, pod, prepared)
    except (CreateError, OSError) as error:
        tell(node.events, pod, "Warning", "Failed", f"Error: {error}", container)
        return RunBegan(_stillborn(pod, prepared.run, state.latest(name), str(error)))
    tell(node.events, pod, "Normal", "Created", f"Created container: {name}", container)
    tell(node.events, pod, "Normal", "Started", f"Started container {name}", container)
    return RunBegan(run)


def _stillborn(pod: Object, run: Instance, previous: Instance | None, message: str) -> Instance:
    now = time.time()
    end = {"started_at": now, "finished_at": now, "exit_code": START_ERROR_CODE, "reason": "StartError"}
    return run.but(**end, message=message, **next_start(pod, run.but(started_at=now), previous, now))


async def _pull(node: NodeServices, pod: Object, state: State, container: Object) -> Image | Failed:
    reference, name = container["image"], container["name"]
    try:
        image = await node.images.pull(reference, container.get("imagePullPolicy") or "IfNotPresent")
    except PullError as error:
        message = f'Failed to pull image "{reference}": {error.message}'
        tell(node.events, pod, "Warning", "Failed", message, container)
        tell(node.events, pod, "Warning", "Failed", f"Error: {error.reason}", container)
        before = state.failures.get(name)
        return Failed(name, failures.not_pulled(before, reference, error.reason, error.message, time.time()))
    text = f'Container image "{reference}" already present on machine'
    tell(node.events, pod, "Normal", "Pulled", text, container)
    return image


def tell_pull_backoff(node: NodeServices, pod: Object, state: State, name: str) -> Failed | None:
    """Say that the image is waited for; what keeps the container from starting is called so from now on."""
    failure = state.failures.get(name)
    if failure is None:
        return None
    container = container_of(pod, name)
    text = f'Back-off pulling image "{container["image"]}"'
    tell(node.events, pod, "Normal", "BackOff", text, container)
    tell(node.events, pod, "Warning", "Failed", f"Error: {failures.PULL_BACKOFF}", container)
    message = f"{text}: {failures.NOT_PULLED}: {failure.message}"
    return Failed(name, replace(failure, reason=failures.PULL_BACKOFF, message=message))
