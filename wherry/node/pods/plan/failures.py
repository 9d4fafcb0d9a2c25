"""What failed, and when to try again. Pure."""

from __future__ import annotations

from dataclasses import replace

from wherry.node.pods.plan import backoff
from wherry.node.pods.plan.containers import everyone
from wherry.node.pods.plan.state import Failure, State
from wherry.objects import Object

FIRST_RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 60.0
CONFIG_RETRY_SECONDS = 10.0

MISCONFIGURED = "CreateContainerConfigError"
NOT_PULLED = "ErrImagePull"
PULL_BACKOFF = "ImagePullBackOff"
PULL_ERROR_SHOWN_SECONDS = 1.0


def again(before: Failure | None, message: str, now: float) -> Failure:
    """Return the failure of something that is tried again with growing pauses."""
    pause = min(before.pause * 2, LONGEST_RETRY_SECONDS) if before else FIRST_RETRY_SECONDS
    return Failure("ContainerCreating", message, now + pause, pause, now)


def not_pulled(before: Failure | None, image: str, reason: str, message: str, now: float) -> Failure:
    """Return the failure of an image that cannot be had."""
    pause = backoff.following(before.pause if before and before.image == image else 0.0)
    return Failure(reason, message, now + pause, pause, now, image)


def standing(pod: Object, state: State) -> State:
    """Return the state without what kept images from being had that the pod asks for no more."""
    wanted = {container["name"]: container["image"] for container in everyone(pod)}
    kept = {k: f for k, f in state.failures.items() if not f.image or f.image == wanted.get(k)}
    return state if len(kept) == len(state.failures) else replace(state, failures=kept)


def misconfigured(message: str, now: float) -> Failure:
    """Return the failure of a container whose configuration refers to what is not there, or is not valid."""
    return Failure(MISCONFIGURED, message, now + CONFIG_RETRY_SECONDS, at=now)
