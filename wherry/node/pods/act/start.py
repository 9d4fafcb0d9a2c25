"""Starting a container: pulls the image, prepares, starts; and says what keeps it from starting."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

from wherry.images.credentials import Keyring, of_secret
from wherry.images.errors import PullError
from wherry.node.downward.env import ConfigError
from wherry.node.images.source import Image, Wish
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
from wherry.node.runtime.seccompfiles import ProfileError
from wherry.node.runtime.security import UserError
from wherry.node.volumes.errors import VolumeError
from wherry.objects import Object

START_ERROR_CODE = 128  # as containerd tells a container whose program could not be started


async def start(node: NodeServices, pod: Object, state: State, name: str, attempt: int) -> RunBegan | Failed:
    """Start run `attempt` of a container, whose pod has its sandbox and volumes.

    A program that could not be started counts as a run that has ended, so that it backs off like any other.
    """
    container, sandbox = container_of(pod, name), state.sandbox
    assert sandbox is not None
    image = await _pull(node, pod, state, container)
    if isinstance(image, Failed):
        return image
    target = container.get("targetContainerName")
    try:
        joined = _processes_of(node, state, target) if target else None
        prepared = await asyncio.to_thread(
            prepare.prepare, node, pod, container, attempt, image, sandbox, state.places or {}
        )
    except (ConfigError, ProfileError, UserError, VolumeError) as error:
        tell(node.events, pod, "Warning", "Failed", f"Error: {error}", container)
        return Failed(name, failures.misconfigured(str(error), time.time()))
    if joined:
        prepared = prepared.joining(joined)
    try:
        run = await prepare.start(node, pod, prepared)
    except (CreateError, OSError) as error:
        tell(node.events, pod, "Warning", "Failed", f"Error: {error}", container)
        return RunBegan(_stillborn(pod, prepared.run, state.latest(name), str(error)))
    tell(node.events, pod, "Normal", "Created", f"Created container: {name}", container)
    tell(node.events, pod, "Normal", "Started", f"Started container {name}", container)
    return RunBegan(run)


def _processes_of(node: NodeServices, state: State, container: str) -> Path:
    """Return the PID namespace of a container that runs; raises ConfigError."""
    run = state.running(container)
    pid = node.containers.pid(run.id) if run is not None else 0
    if not pid:
        raise ConfigError(f'unable to find target container "{container}"')
    return Path(f"/proc/{pid}/ns/pid")


def _stillborn(pod: Object, run: Instance, previous: Instance | None, message: str) -> Instance:
    now = time.time()
    end = {"started_at": now, "finished_at": now, "exit_code": START_ERROR_CODE, "reason": "StartError"}
    return run.but(**end, message=message, **next_start(pod, run.but(started_at=now), previous, now))


async def _pull(node: NodeServices, pod: Object, state: State, container: Object) -> Image | Failed:
    reference, name = container["image"], container["name"]
    began = 0.0

    def pulling() -> None:
        nonlocal began
        began = time.monotonic()
        tell(node.events, pod, "Normal", "Pulling", f'Pulling image "{reference}"', container)

    try:
        wish = Wish(reference, container.get("imagePullPolicy") or "IfNotPresent", _keyrings(node, pod), pulling)
        image = await node.images.pull(wish)
    except PullError as error:
        reason, message = _told(reference, error)
        tell(node.events, pod, "Warning", reason, message, container)
        tell(node.events, pod, "Warning", "Failed", f"Error: {error.reason}", container)
        before = state.failures.get(name)
        return Failed(name, failures.not_pulled(before, reference, error.reason, error.message, time.time()))
    text = f'Container image "{reference}" already present on machine'
    if began:
        took = duration(time.monotonic() - began)
        text = f'Successfully pulled image "{reference}" in {took} ({took} including waiting). '
        text += f"Image size: {image.size} bytes."
    tell(node.events, pod, "Normal", "Pulled", text, container)
    return image


def _told(reference: str, error: PullError) -> tuple[str, str]:
    """Return the reason and the message of the event, as the kubelet's image manager tells them."""
    if error.reason == failures.NOT_PULLED:
        return "Failed", f'Failed to pull image "{reference}": {error.message}'
    return ("InspectFailed" if error.reason == "InvalidImageName" else error.reason), error.message


def duration(seconds: float) -> str:
    """Return a duration as Go prints it, rounded to milliseconds (`3ms`, `2.05s`, `1m3.2s`)."""
    millis = round(seconds * 1000)
    if millis < 1000:
        return f"{millis}ms"
    minutes, rest = divmod(millis, 60_000)
    return (f"{minutes}m" if minutes else "") + f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"


def _keyrings(node: NodeServices, pod: Object) -> list[Keyring]:
    """Return the credentials in the pod's imagePullSecrets; one that is not there is told of, and left out."""
    namespace, found = pod["metadata"]["namespace"], []
    names = [entry["name"] for entry in pod["spec"].get("imagePullSecrets") or () if entry.get("name")]
    secrets = {name: node.objects.get(namespace, "Secret", name) for name in names}
    if missing := ", ".join(name for name, secret in secrets.items() if secret is None):
        text = f"Unable to retrieve some image pull secrets ({missing}); attempting to pull the image may not succeed."
        tell(node.events, pod, "Warning", "FailedToRetrieveImagePullSecret", text)
    for secret in secrets.values():
        if secret is not None:
            found.append(of_secret(secret))
    return found


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
