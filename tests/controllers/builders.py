"""Small objects for the controllers' tests."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from tests.fake.client import FakeClient
from wherry.controllers import manager
from wherry.controllers.config import ControllersConfig
from wherry.controllers.controller import Runner
from wherry.objects import Object
from wherry.objects.resource import Resource
from wherry.objects.timestamps import rfc3339

NOW = 1_800_000_000.0


def ready(at: float = NOW - 60, status: str = "True") -> Object:
    return {"type": "Ready", "status": status, "lastTransitionTime": rfc3339(at)}


def pod(name: str, *, node: str = "n1", phase: str = "Running", is_ready: bool = True, **more: Any) -> Object:
    """Return a pod; `more` goes into its metadata."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "demo",
            "uid": f"uid-{name}",
            "labels": {"app": "web"},
            "creationTimestamp": rfc3339(NOW - 3600),
        }
        | more,
        "spec": {"nodeName": node, "containers": [{"name": "c"}]} if node else {"containers": [{"name": "c"}]},
        "status": {"phase": phase, "conditions": [ready(status="True" if is_ready else "False")]},
    }


def template(image: str = "web:1") -> Object:
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": image}]}}


def deployment(replicas: int = 3, image: str = "web:1", **spec: Any) -> Object:
    """Return a Deployment as the API server stores it, defaults included; `spec` overrides."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "demo", "uid": "d1", "generation": 1},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": template(image),
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "revisionHistoryLimit": 10,
            "progressDeadlineSeconds": 600,
        }
        | spec,
    }


def everything(client: FakeClient, resource: Resource) -> list[Object]:
    """Return all objects of a resource without a call that would show in `client.calls`."""
    return client.peek_all(resource)


def names(client: FakeClient, resource: Resource) -> set[str]:
    return {o["metadata"]["name"] for o in everything(client, resource)}


def namespace(name: str, **meta: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name} | meta,
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def node(name: str, *, ready: str | None = "True", at: float = NOW, taints: list[Object] | None = None) -> Object:
    conditions = [] if ready is None else [{"type": "Ready", "status": ready, "lastHeartbeatTime": rfc3339(at)}]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "spec": {"taints": taints} if taints else {},
        "status": {"conditions": conditions},
    }


class Clock:
    """Virtual wall-clock time for decisions; delays in queues still run in real time."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


async def until(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    """Return once `condition()` holds; fails the test when it does not within `seconds`."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "the condition never came true"
        await asyncio.sleep(0.002)


@contextlib.asynccontextmanager
async def running(
    client: FakeClient,
    controllers: Sequence[type[Runner]],
    clock: Callable[[], float] = time.time,
    **config: Any,
) -> AsyncIterator[asyncio.Task[None]]:
    """Run the given controllers on `client` for the length of a block."""
    settings = ControllersConfig(**({"ca_pem": "pem"} | config))
    task = asyncio.create_task(manager.make(client, settings, controllers=controllers, clock=clock).run())
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
