"""What is mounted in a volume after its containers have begun: where it shows, and how."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.node.kernel.world import World
from wherry.node import mounts
from wherry.objects import Object
from wherry.objects.resource import PODS

pytestmark = pytest.mark.kernel

PRIVILEGED = {"privileged": True}
WAIT = "while ! test -e /v/sub/x; do sleep 0.05; done; echo seen; trap 'exit 0' TERM; while :; do sleep 0.05; done"
MAKE = "mkdir -p /v/sub; mount -t tmpfs none /v/sub && touch /v/sub/x && echo made; sleep 1000"


def at(volume: str, how: str | None, **fields: Any) -> Object:
    return {"volumeMounts": [{"name": volume, "mountPath": "/v", "mountPropagation": how, **fields}]}


def shared(path: str = "/mnt/shared") -> list[Object]:
    return [{"name": "v", "hostPath": {"path": path, "type": "DirectoryOrCreate"}}]


async def test_what_one_pod_mounts_in_a_host_path_shows_in_those_that_ask_and_stays(node: World):
    node.create("follower", WAIT, at("v", "HostToContainer"), volumes=shared())
    node.create("below", WAIT, at("v", "HostToContainer", subPath="deep"), volumes=shared("/mnt"))
    node.create("closed", "sleep 1000", at("v", None), volumes=shared())
    for name in ("follower", "below", "closed"):
        await node.running(name)
    node.create("maker", MAKE, {**at("v", "Bidirectional"), "securityContext": PRIVILEGED}, volumes=shared())
    assert await node.printed("maker", 1) == ["made"]
    assert await node.printed("follower", 1) == ["seen"]
    closed = node.container("closed")["containerID"].partition("://")[2]
    assert "/v/sub" not in mounted(node, closed)
    for name in ("maker", "follower"):
        await node.api.delete(PODS, name, "demo", grace_period_seconds=0 if name == "maker" else 5)
        await node.gone(name)
    assert (node.config.run_dir / "root/mnt/shared/sub/x").exists()
    node.create("later", WAIT, at("v", None), volumes=shared())
    assert await node.printed("later", 1) == ["seen"]
    mounts.unmount(node.config.run_dir / "root/mnt/shared/sub")


def mounted(node: World, id: str) -> str:
    """Return the mount points of a running container."""
    pid = (node.config.run_dir / "containers" / id / "pid").read_text()
    return Path(f"/proc/{pid}/mountinfo").read_text()


@pytest.mark.parametrize("medium", ["", "Memory"])
async def test_containers_of_a_pod_share_mounts_in_an_empty_dir_that_goes_with_the_pod(node: World, medium: str):
    maker = {"name": "maker", "image": "demo/shell", "args": [MAKE], "securityContext": PRIVILEGED}
    follower = {"name": "follower", "image": "demo/shell", "args": [WAIT]}
    containers = [follower | at("v", "HostToContainer"), maker | at("v", "Bidirectional")]
    node.put("both", containers, volumes=[{"name": "v", "emptyDir": {"medium": medium}}])
    assert set(await node.printed("both", 2)) == {"made", "seen"}
    uid = node.api.peek(PODS, "both", "demo")["metadata"]["uid"]
    await node.api.delete(PODS, "both", "demo", grace_period_seconds=0)
    await node.gone("both")
    await node.until("mounts gone", lambda: uid not in mounts.MOUNTINFO.read_text())
    await node.until("folder gone", lambda: not (node.config.state_dir / "pods" / uid).exists())


async def test_a_mount_that_is_read_only_is_so_below_if_that_is_asked_for(node: World):
    node.create("maker", MAKE, {**at("v", "Bidirectional"), "securityContext": PRIVILEGED}, volumes=shared())
    assert await node.printed("maker", 1) == ["made"]
    script = "touch /v/y 2>/dev/null || echo closed; touch /v/sub/y 2>/dev/null && echo open; sleep 1000"
    node.create("flat", script, at("v", None, readOnly=True), volumes=shared())
    assert await node.printed("flat", 2) == ["closed", "open"]
    script = "touch /v/y 2>/dev/null || echo closed; touch /v/sub/z 2>/dev/null || echo closed; sleep 1000"
    node.create("deep", script, at("v", None, readOnly=True, recursiveReadOnly="Enabled"), volumes=shared())
    assert await node.printed("deep", 2) == ["closed", "closed"]
    await node.running("deep")
    assert node.container("deep")["volumeMounts"][0]["recursiveReadOnly"] == "Enabled"
    mounts.unmount(node.config.run_dir / "root/mnt/shared/sub")
