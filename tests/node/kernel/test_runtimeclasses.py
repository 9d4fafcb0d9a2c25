"""A pod's RuntimeClass says which OCI runtime runs it."""

from __future__ import annotations

import pytest

from tests.node.kernel.world import World
from wherry.node.runtime import machine
from wherry.objects.resource import PODS

pytestmark = pytest.mark.kernel


def runtime_class(node: World, name: str, handler: str) -> None:
    node.api.put(
        {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name}, "handler": handler}
    )


@pytest.mark.parametrize("handler", ["runc", "crun"])
async def test_the_handler_runs_the_pod_also_for_the_next_agent(node: World, handler: str):
    if handler not in machine.programs().handlers:
        pytest.skip(f"{handler} does not work here")
    runtime_class(node, "mine", handler)
    probe = {"readinessProbe": {"exec": {"command": ["true"]}, "periodSeconds": 1}}
    node.create("web", "trap 'exit 0' TERM; while :; do sleep 0.05; done", probe, runtimeClassName="mine")
    await node.running("web")
    assert node.container("web")["containerID"].startswith(f"{handler}://")
    await node.kill()
    runtime_class(node, "mine", "other")  # what runs keeps its runtime
    node.start()
    await node.api.delete(PODS, "web", "demo", grace_period_seconds=5)
    await node.gone("web")
    await node.until("folders gone", lambda: not list((node.config.run_dir / "containers").iterdir()))
    assert not list((node.config.run_dir / "runtime").iterdir())


async def test_a_handler_that_is_not_here_is_told_and_waited_for(node: World):
    runtime_class(node, "mine", "runsc")
    node.create("web", runtimeClassName="mine")
    await node.until("told", lambda: node.events("FailedCreatePodSandBox"))
    said = node.events("FailedCreatePodSandBox")[0]
    assert 'no runtime for "runsc" is configured: this node has' in said
    runtime_class(node, "mine", "runc")
    await node.running("web")


async def test_a_class_that_is_gone_is_told(node: World):
    node.create("web", runtimeClassName="gone")
    await node.until("told", lambda: node.events("FailedCreatePodSandBox"))
    assert 'runtimeclasses.node.k8s.io "gone" not found' in node.events("FailedCreatePodSandBox")[0]
