"""The containers of a pod, as its spec and its status list them. Pure."""

from __future__ import annotations

from wherry.objects import Object


def init_containers(pod: Object) -> list[Object]:
    """Return the pod's init containers."""
    return pod["spec"].get("initContainers") or []


def ephemeral_containers(pod: Object) -> list[Object]:
    """Return the containers that were put into the pod to look into it."""
    return pod["spec"].get("ephemeralContainers") or []


def everyone(pod: Object) -> list[Object]:
    """Return all containers: init containers first, ephemeral ones last."""
    return [*init_containers(pod), *pod["spec"]["containers"], *ephemeral_containers(pod)]


def container_of(pod: Object, name: str) -> Object:
    """Return a container's spec."""
    return next(c for c in everyone(pod) if c["name"] == name)


def container_status(pod: Object, name: str) -> Object:
    """Return a container's status as the API has it, an empty object where there is none."""
    known = pod.get("status") or {}
    kinds = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
    every = [status for kind in kinds for status in known.get(kind) or ()]
    return next((status for status in every if status["name"] == name), {})
