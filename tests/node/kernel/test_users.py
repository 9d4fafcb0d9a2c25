"""Pods with users of their own: `hostUsers: false`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.node.kernel.world import World, secret, world
from wherry.node import mounts
from wherry.node.pods.act.sandboxes import FIRST_USER
from wherry.node.runtime import machine
from wherry.objects.resource import PODS

pytestmark = pytest.mark.kernel


@pytest.fixture
async def node() -> AsyncIterator[World]:
    """Give a test a node below folders that everybody may pass, as a cluster's are."""
    programs = machine.programs()
    if not machine.describe(programs, frozenset())[""].user_namespaces:
        pytest.skip(f"no user namespaces with {programs.name} {programs.version} on this kernel")
    top = Path("/mnt")
    mounts.tmpfs(top)
    (top / "node").mkdir()
    try:
        async with world(top / "node") as made:
            yield made
    finally:
        mounts.unmount_below(top)


def first_user(node: World, name: str) -> int:
    """Return which of the machine's users is the root of a pod's container."""
    pid = (
        node.config.run_dir / "containers" / node.container(name)["containerID"].partition("//")[2] / "pid"
    ).read_text()
    inside, outside, count = Path(f"/proc/{pid}/uid_map").read_text().split()
    assert (inside, count) == ("0", "65536")
    return int(outside)


async def test_each_has_its_own_and_its_root_is_nobody_on_the_machine(node: World):
    script = "id -u; hostname; touch /tmp/mine && stat -c %u /tmp/mine /; cat /etc/hostname > /dev/stderr; sleep 1000"
    for name in ("one", "two"):
        node.create(name, script, hostUsers=False)
        await node.running(name)
        assert await node.printed(name, 5) == ["0", name, "0", "0", name]
    users = [first_user(node, name) for name in ("one", "two")]
    assert min(users) >= FIRST_USER
    assert abs(users[0] - users[1]) >= 65536
    node.create("usual")
    await node.running("usual")
    pid = (
        node.config.run_dir / "containers" / node.container("usual")["containerID"].partition("//")[2] / "pid"
    ).read_text()
    assert Path(f"/proc/{pid}/uid_map").read_text().split()[1] == "0"


async def test_volumes_are_its_roots_and_stay_so_on_disk(node: World):
    node.api.put(secret("s", KEY="value"))
    volumes = [
        {"name": "disk", "emptyDir": {}},
        {"name": "memory", "emptyDir": {"medium": "Memory"}},
        {"name": "secret", "secret": {"secretName": "s", "defaultMode": 0o400}},
    ]
    script = (
        "cd /v; touch disk/a memory/b; chown 7:7 disk/a; stat -c %u disk/a memory/b; stat -Lc %u secret/KEY;"
        "cat secret/KEY; echo; echo told > /dev/termination-log; sleep 1000"
    )
    mount = {"volumeMounts": [{"name": v["name"], "mountPath": f"/v/{v['name']}"} for v in volumes]}
    node.create("owner", script, mount, hostUsers=False, volumes=volumes)
    assert await node.printed("owner", 4) == ["7", "0", "0", "value"]
    uid = node.api.peek(PODS, "owner", "demo")["metadata"]["uid"]
    assert (node.config.state_dir / "pods" / uid / "volumes" / "disk" / "a").stat().st_uid == 7
    await node.running("owner")
    await node.api.delete(PODS, "owner", "demo", grace_period_seconds=0)
    await node.gone("owner")
    await node.until("mounts gone", lambda: uid not in mounts.MOUNTINFO.read_text())


async def test_its_root_may_not_do_what_the_machines_may(node: World):
    script = (
        "mount -t tmpfs none /tmp && echo mounted; mknod /tmp/null c 1 3 2>/dev/null || echo no device;"
        "hostname other && hostname; (echo 1 > /proc/sys/kernel/panic) 2>/dev/null || echo no kernel; sleep 1000"
    )
    node.create("strong", script, {"securityContext": {"privileged": True}}, hostUsers=False)
    assert await node.printed("strong", 4) == ["mounted", "no device", "other", "no kernel"]


async def test_processes_are_shared_and_a_restart_keeps_the_users(node: World):
    one = {"name": "one", "image": "demo/shell", "args": ["sleep 1000"]}
    two = {"name": "two", "image": "demo/shell", "args": ["test -e /tmp/x || sleep 0.3; exit 0"]}
    node.put("both", [one, two], hostUsers=False, shareProcessNamespace=True)

    def restarted() -> bool:
        return any(s["restartCount"] for s in node.status("both").get("containerStatuses") or ())

    await node.until("restarted", restarted)
    assert first_user(node, "both") >= FIRST_USER
    await node.api.delete(PODS, "both", "demo", grace_period_seconds=0)
    await node.gone("both")
    await node.until("sandbox gone", lambda: not list((node.config.run_dir / "pods").iterdir()))


async def test_a_volume_whose_file_system_cannot_is_named(node: World):
    volumes = [{"name": "v", "hostPath": {"path": "/srv"}}]
    node.create(
        "host", container={"volumeMounts": [{"name": "v", "mountPath": "/v"}]}, volumes=volumes, hostUsers=False
    )
    await node.until("refused", lambda: node.waiting("host") == "CreateContainerConfigError")
    message = node.container("host")["state"]["waiting"]["message"]
    assert message.startswith('volume "v" cannot be had in a pod of hostUsers: false: its file system has no idmapped')
