"""Static pods: they run from files, and the API shows them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.node.kernel.world import NAME, World, world
from wherry.cluster.podform import ApiForm
from wherry.objects import Object
from wherry.objects.resource import PODS

pytestmark = pytest.mark.kernel

POD = f"web-{NAME}"
MANIFEST = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: demo}
spec:
  terminationGracePeriodSeconds: 5
  containers:
  - {name: main, image: "demo/shell", args: ["echo %s; trap 'exit 0' TERM; while :; do sleep 0.05; done"]}
"""


@pytest.fixture
async def stopped(tmp_path: Path) -> AsyncIterator[World]:
    """Give a test a node with a folder of static pods, which has none yet; nor does its agent run."""
    async with world(tmp_path, started=False) as made:
        (tmp_path / "manifests").mkdir()
        made.config = replace(made.config, static_pods=[tmp_path / "manifests"])
        made.form = ApiForm()
        yield made


@pytest.fixture
async def node(stopped: World) -> World:
    """Give a test such a node whose agent runs."""
    stopped.start()
    return stopped


def write(node: World, text: str) -> None:
    """Put the file there as a whole."""
    fresh = node.disk / "fresh"
    fresh.write_text(text)
    fresh.rename(node.disk / "manifests" / "web.yaml")


def mirror(node: World) -> Object:
    return node.api.peek(PODS, POD, "demo") or {"metadata": {"uid": "", "annotations": {}}}


def uid(node: World) -> str:
    """Return the mirror's uid, "" without one."""
    return str(mirror(node)["metadata"]["uid"])


async def test_a_file_is_run_and_shown_and_its_mirror_comes_again(node: World):
    write(node, MANIFEST % "first")
    await node.running(POD)
    meta = mirror(node)["metadata"]
    hashed = meta["annotations"]["kubernetes.io/config.hash"]
    assert meta["annotations"]["kubernetes.io/config.mirror"] == hashed
    assert meta["annotations"]["kubernetes.io/config.source"] == "file"
    [owner] = meta["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("Node", NAME, True)
    container = node.container(POD)["containerID"]
    await node.api.delete(PODS, POD, "demo", grace_period_seconds=5)
    await node.until("another mirror", lambda: uid(node) not in ("", meta["uid"]))
    await node.running(POD)
    assert node.container(POD)["containerID"] == container  # the pod itself has not noticed
    (node.disk / "manifests" / "web.yaml").unlink()
    await node.gone(POD)
    await node.until("containers gone", lambda: not list((node.config.run_dir / "containers").iterdir()))


async def test_a_changed_file_replaces_the_pod_and_a_wrong_one_changes_nothing(node: World):
    write(node, MANIFEST % "first")
    await node.running(POD)
    first = node.container(POD)["containerID"]
    write(node, MANIFEST.replace("containers", "containerz") % "second")
    await node.until("told", lambda: node.events("InvalidStaticPod"))
    assert 'unknown field "spec.containerz"' in node.events("InvalidStaticPod")[0]
    assert node.container(POD)["containerID"] == first
    write(node, MANIFEST % "second")
    await node.until("replaced", lambda: node.container(POD).get("containerID", first) != first)
    await node.running(POD)
    await node.until("said", lambda: node.log(POD).endswith("second"))
    assert len(list((node.config.run_dir / "pods").iterdir())) == 1


async def test_it_runs_before_the_api_is_there_and_is_taken_over_by_the_next_agent(stopped: World):
    node = stopped
    write(node, MANIFEST % "first")
    away = [node.api.create, node.api.get, node.api.list, node.api.patch]
    names = ("create", "get", "list", "patch")
    for name in names:
        setattr(node.api, name, refusing)
    node.start()
    logs = node.config.state_dir / "logs"
    await node.until("runs", lambda: any("first" in f.read_text() for f in logs.glob(f"demo_{POD}_*/*/*.log")))
    [bundle] = (node.config.run_dir / "containers").iterdir()
    for name, was in zip(names, away, strict=True):
        setattr(node.api, name, was)
    await node.running(POD)
    assert node.container(POD)["containerID"].endswith(bundle.name)
    await node.kill()
    node.start()
    await node.api.delete(PODS, POD, "demo", grace_period_seconds=0)
    await node.running(POD)
    assert node.container(POD)["containerID"].endswith(bundle.name)
    await node.kill()
    (node.disk / "manifests" / "web.yaml").unlink()
    node.start()
    await node.gone(POD)
    await node.until("container gone", lambda: not bundle.exists())


async def refusing(*_: object, **__: object) -> Object:
    from wherry.objects.errors import ServiceUnavailable

    raise ServiceUnavailable("no API server")
