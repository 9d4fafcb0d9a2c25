"""Small objects for the controllers' tests."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from wherry.client.fake import FakeClient
from wherry.controllers import manager
from wherry.controllers.config import ControllersConfig
from wherry.controllers.controller import Runner
from wherry.objects import Object
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


async def until(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    """Return once `condition()` holds; fails the test when it does not within `seconds`."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "the condition never came true"
        await asyncio.sleep(0.002)


@contextlib.asynccontextmanager
async def running(
    client: FakeClient, controllers: Sequence[type[Runner]], **config: Any
) -> AsyncIterator[asyncio.Task[None]]:
    """Run the given controllers on `client` for the length of a block."""
    settings = ControllersConfig(**({"ca_pem": "pem"} | config))
    task = asyncio.create_task(manager.run(client, settings, controllers=controllers))
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
