"""Containers: their roots, their users, how they end and what keeps them from starting."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from tests.node.kernel.world import World
from wherry.node.pods.plan import backoff
from wherry.node.runtime.machine import APPARMOR
from wherry.objects import Object
from wherry.objects.resource import PODS

pytestmark = pytest.mark.kernel


def seccomp(profile: Object) -> Object:
    return {"securityContext": {"seccompProfile": profile}}


@pytest.mark.parametrize("group", [0, 65534])
async def test_what_the_image_map_names_is_reached_below_a_closed_home_by_any_user(node: World, group: int):
    node.disk.parent.chmod(0o700)
    node.disk.chmod(0o755)
    context = {"runAsUser": 65534, "runAsGroup": group}
    image = {"image": "demo/home", "securityContext": context}
    node.create("guest", "cat $HERE/images.yaml >/dev/null && echo read; sleep 1000", image)
    assert await node.printed("guest", 1) == ["read"]
    assert node.disk.parent.stat().st_mode & 0o777 == 0o700


async def test_the_root_file_system_is_the_hosts_copied_on_write(node: World):
    mark = Path("/etc/wherry-test-mark")
    node.create(
        "writer", f"echo x > {mark} && cat {mark}; test -e {node.config.state_dir}/logs || echo hidden; sleep 1000"
    )
    await node.running("writer")
    assert await node.printed("writer", 2) == ["x", "hidden"]
    assert not mark.exists()


async def test_exit_codes_and_termination_messages_are_told(node: World):
    node.create("failing", "echo because > /dev/termination-log; exit 3", restartPolicy="Never")
    await node.until("failed", lambda: node.status("failing").get("phase") == "Failed")
    ended = node.container("failing")["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"], ended["message"]) == (3, "Error", "because\n")


async def test_a_container_that_uses_too_much_memory_is_told_as_such(node: World):
    script = "head -c 200m /dev/zero | tail -c 199m | wc -c"
    node.create("big", script, {"resources": {"limits": {"memory": "20Mi"}}}, restartPolicy="Never")
    await node.until("ended", lambda: node.status("big").get("phase") in ("Failed", "Succeeded"))
    ended = node.container("big")["state"]["terminated"]
    assert ended["reason"] == "OOMKilled"


async def test_a_failing_container_is_restarted_and_backs_off(node: World):
    node.create("crash", "echo attempt; exit 1")
    await node.until(
        "backs off",
        lambda: "waiting" in node.container("crash").get("state", {}) and node.container("crash")["restartCount"] == 1,
    )
    state = node.container("crash")
    assert state["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert state["lastState"]["terminated"]["exitCode"] == 1
    assert node.log("crash").splitlines() == ["attempt", "attempt"]


async def test_an_image_that_cannot_be_had_is_named_with_the_reason(node: World):
    node.create("lost", container={"image": "127.0.0.1:1/unknown:1"})
    await node.until(
        "refused",
        lambda: (
            "waiting" in node.container("lost").get("state", {})
            and node.container("lost")["state"]["waiting"]["reason"] == "ErrImagePull"
        ),
    )
    message = node.container("lost")["state"]["waiting"]["message"]
    assert "127.0.0.1:1/unknown:1" in message
    assert "connection refused" in message
    await node.until("backs off", lambda: node.waiting("lost") == "ImagePullBackOff")


async def test_a_corrected_image_is_started_at_once(node: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(backoff, "FIRST_SECONDS", 300.0)
    node.create("typo", container={"image": "127.0.0.1:1/unknown:1"})
    await node.until("backs off", lambda: node.waiting("typo") == "ImagePullBackOff")
    found = copy.deepcopy(node.api.peek(PODS, "typo", "demo"))
    assert found is not None
    found["spec"]["containers"][0]["image"] = "demo/shell"
    node.api.put(found)
    await node.running("typo")


async def test_a_program_that_is_not_there_is_told(node: World):
    node.create("typo", container={"command": ["/no/such/program"]}, restartPolicy="Never")
    await node.until("failed", lambda: node.status("typo").get("phase") == "Failed")
    ended = node.container("typo")["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (128, "StartError")
    assert "/no/such/program" in ended["message"]


async def test_a_user_is_found_by_name_and_loses_roots_powers(node: World):
    node.create("nobody", "id -un; touch /etc/x 2>/dev/null || echo denied; sleep 1000", {"image": "demo/user"})
    await node.running("nobody")
    assert await node.printed("nobody", 2) == ["nobody", "denied"]


async def test_a_seccomp_profile_of_the_node_filters_and_a_missing_one_is_waited_for(node: World):
    profile = {"type": "Localhost", "localhostProfile": "team/no-mkdir.json"}
    node.create("early", container=seccomp(profile))
    await node.until("waits", lambda: node.waiting("early") == "CreateContainerConfigError")
    assert 'seccomp profile "/var/lib/kubelet/seccomp/team/no-mkdir.json"' in node.events("Failed")[0]
    folder = node.config.run_dir / "root/var/lib/kubelet/seccomp/team"
    folder.mkdir(parents=True)
    rule = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}
    (folder / "no-mkdir.json").write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]}))
    node.create("filtered", "mkdir /tmp/x 2>/dev/null || echo refused; sleep 1000", seccomp(profile))
    assert await node.printed("filtered", 1) == ["refused"]


async def test_apparmor_is_refused_where_the_kernel_has_none(node: World):
    if APPARMOR.exists():
        pytest.skip("this kernel has AppArmor")
    node.create("confined", container={"securityContext": {"appArmorProfile": {"type": "RuntimeDefault"}}})
    await node.until("failed", lambda: node.status("confined").get("phase") == "Failed")
    assert node.status("confined")["reason"] == "AppArmor"
    assert node.events("AppArmor") == ["Cannot enforce AppArmor: AppArmor is not enabled on the host"]
