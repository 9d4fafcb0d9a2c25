"""What a default pod tries on the kernel and on its neighbours, and does not get."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.node.kernel.world import ADDRESS, World, secret
from wherry.objects import Object

pytestmark = pytest.mark.kernel

CALLS = """
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
def call(name, number, *words):
    ctypes.set_errno(0)
    result = libc.syscall(number, *words)
    print(name, "done" if result >= 0 else errno.errorcode[ctypes.get_errno()], flush=True)
call("unshare-user", 272, 0x10000000)
call("clone3", 435, None, 0)
call("mount", 165, b"none", b"/mnt", b"tmpfs", 0, None)
call("fsopen", 430, b"tmpfs", 0)
call("open_tree", 428, -100, b"/", 1)
call("setns", 308, os.open("/proc/self/ns/net", os.O_RDONLY), 0)
call("bpf", 321, 0, None, 0)
call("keyctl", 250, 0, -3, 0)
call("add_key", 248, b"user", b"x", b"x", 1, -3)
call("io_uring_setup", 425, 1, None)
call("userfaultfd", 323, 0)
call("perf_event_open", 298, None, 0, -1, -1, 0)
call("kexec_load", 246, 0, 0, None, 0)
call("open_by_handle_at", 304, -100, None, 0)
call("vsock", 41, 40, 1, 0)
call("alg", 41, 38, 5, 0)
call("personality", 135, 0x0400000)
call("getpid", 39)
"""


async def run(node: World, name: str, script: str, one: Object | None = None, **spec: Any) -> list[str]:
    node.create(name, script, one, **{"restartPolicy": "Never", **spec})
    await node.until("ended", lambda: node.status(name).get("phase") in ("Succeeded", "Failed"))
    return node.log(name).splitlines()


async def test_calls_that_only_an_escape_needs_are_refused(node: World):
    answers = dict(
        line.split() for line in await run(node, "calls", CALLS, {"image": "demo/python", "args": ["-c", CALLS]})
    )
    assert answers.pop("getpid") == "done"
    assert answers.pop("clone3") == "ENOSYS"
    assert set(answers.values()) == {"EPERM"}, answers


@pytest.mark.parametrize(
    ("context", "outcome"),
    [
        ({}, "refused"),
        ({"seccompProfile": {"type": "RuntimeDefault"}}, "refused"),
        ({"runAsUser": 65534, "allowPrivilegeEscalation": False}, "refused"),
        ({"seccompProfile": {"type": "Unconfined"}}, "mounted"),
        ({"privileged": True}, "mounted"),
    ],
)
async def test_nobody_mounts_in_a_user_namespace_but_who_asks_to_be_unconfined(
    node: World, context: Object, outcome: str
):
    script = "unshare -Urm mount -t tmpfs none /mnt 2>/dev/null && echo mounted || echo refused"
    assert await run(node, "mounter", script, {"securityContext": context}) == [outcome]


async def test_a_localhost_profile_is_no_file_that_a_link_in_its_folder_leads_to(node: World):
    await node.until("files", lambda: (node.config.run_dir / "root/sys/kernel").exists())
    folder = node.config.run_dir / "root/var/lib/kubelet/seccomp"
    folder.mkdir(parents=True)
    (folder / "x").symlink_to("/etc/shadow")
    node.create(
        "local", container={"securityContext": {"seccompProfile": {"type": "Localhost", "localhostProfile": "x"}}}
    )
    await node.until("refused", lambda: node.waiting("local") == "CreateContainerConfigError")
    assert "a link leads out of the folder" in node.container("local")["state"]["waiting"]["message"]


async def test_a_fork_bomb_ends_at_the_pods_limit(node: World):
    script = (
        "import os, signal\\ncount = 0\\ntry:\\n    while count < 3000:\\n        pid = os.fork()\\n"
        "        if not pid: signal.pause()\\n        count += 1\\nexcept OSError as error: print(error.errno)\\n"
        "print(count > 500, count < 1024, flush=True)\\nos.kill(0, signal.SIGKILL)"
    ).replace("\\n", "\n")
    assert await run(node, "bomb", "", {"image": "demo/python", "args": ["-c", script]}) == ["11", "True True"]
    node.create("neighbour")
    await node.running("neighbour")


@pytest.mark.parametrize("name", ["kernel.core_pattern", "kernel.msgmax", "net.core.somaxconn", "vm.overcommit_memory"])
async def test_an_unsafe_sysctl_fails_its_pod_once(node: World, name: str):
    node.create("unsafe", securityContext={"sysctls": [{"name": name, "value": "1"}]})
    await node.until("failed", lambda: node.status("unsafe").get("phase") == "Failed")
    assert node.status("unsafe")["reason"] == "SysctlForbidden"
    assert node.events("SysctlForbidden") == [f'forbidden sysctl: "{name}" not allowlisted']
    assert not list((node.config.run_dir / "containers").iterdir())


async def test_a_safe_sysctl_is_the_pods_own(node: World):
    before = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text()
    sysctls = [{"name": "net/ipv4/ip_local_port_range", "value": "50000 50010"}]
    node.create("safe", "cat /proc/sys/net/ipv4/ip_local_port_range; sleep 1000", securityContext={"sysctls": sysctls})
    assert (await node.printed("safe", 1))[0].split() == ["50000", "50010"]
    assert Path("/proc/sys/net/ipv4/ip_local_port_range").read_text() == before


async def test_nothing_of_the_kernels_can_be_written(node: World):
    script = """
    for f in /proc/sys/kernel/core_pattern /proc/sys/vm/drop_caches /proc/sysrq-trigger /proc/sys/net/ipv4/ip_forward \
             /sys/kernel/uevent_helper /sys/power/state /proc/irq/default_smp_affinity; do
        (echo x > $f) 2>/dev/null && echo wrote $f
    done
    find /sys -writable -type f 2>/dev/null | head -1 | while read f; do (: >> $f) 2>/dev/null && echo opened $f; done
    mkdir /sys/fs/cgroup/mine /sys/fs/cgroup/*/mine 2>/dev/null && echo group
    for f in $(find /sys/fs/cgroup -name release_agent -o -name cgroup.procs -o -name pids.max 2>/dev/null); do
        (echo 0 > $f) 2>/dev/null && echo group $f
    done
    cat /proc/kcore 2>/dev/null | head -c 1 | grep -q . && echo memory
    cat /proc/keys /proc/timer_list 2>/dev/null | grep . && echo keys
    mknod /tmp/disk b 254 0 && (head -c 1 /tmp/disk >/dev/null) 2>/dev/null && echo disk
    mknod /tmp/mem c 1 1 && (head -c 1 /tmp/mem >/dev/null) 2>/dev/null && echo mem
    cd /dev && ls | grep -vxE 'console|core|fd|full|mqueue|null|ptmx|pts|u?random|shm|std.*|termination.*|tty|zero'
    echo end
    """
    assert await run(node, "writer", script) == ["end"]


async def test_processes_are_the_pods_own_and_no_root_but_its_own_is_reached(node: World):
    script = """
    ls /proc | grep -c '^[0-9]' | { read n; test $n -lt 9 || echo many; }
    for p in /proc/[0-9]*/root /proc/1/cwd; do test -e $p/container_info.json && echo ROOT; done
    for n in $(seq 3 60); do test -e /proc/1/fd/$n/etc/passwd && echo OPEN $n; done
    tr '\\\\0' '\\\\n' < /proc/1/environ | grep -i wherry
    readlink /proc/1/ns/net | grep -q net: && echo end
    """
    node.create("other", "sleep 1000")
    await node.running("other")
    assert await run(node, "looker", script) == ["end"]


@pytest.mark.parametrize("number", [3, 5, 7, 8, 9, 11])
async def test_no_descriptor_of_the_runtime_is_a_way_out(node: World, number: int):
    """CVE-2024-21626: a working folder below /proc/self/fd."""
    where = {"workingDir": f"/proc/self/fd/{number}"}
    lines = await run(
        node, "leak", "ls ../../../../../../etc/shadow ../../../../../../root/* 2>/dev/null; echo end", where
    )
    assert lines in ([], ["end"])


async def test_neither_sockets_nor_tokens_of_the_node_are_reached(node: World):
    node.api.put(secret("s", TOKEN="another pod's"))
    node.create("victim", container={"volumeMounts": [{"name": "s", "mountPath": "/s"}], "stdin": True},
                volumes=[{"name": "s", "secret": {"secretName": "s"}}])  # fmt: skip
    await node.running("victim")
    script = f"""
    find / -xdev -type s 2>/dev/null; find /run {node.config.run_dir} {node.config.state_dir} -mindepth 1 2>/dev/null
    grep -rs "another pod" /run /var/run /tmp /var/lib && echo TOKEN
    cut -d' ' -f5 /proc/self/mountinfo | grep -E 'pods|containers|private'
    for p in 10248 10250 10255; do
        curl -sk -m 2 -o /dev/null -w '%{{http_code}} ' http://{ADDRESS}:$p/pods https://{ADDRESS}:$p/pods
    done; echo end
    """
    [line] = await run(node, "thief", script)
    assert line.endswith("end")
    assert set(line.split()) <= {"000", "401", "end"}  # nothing listens, TLS wants a certificate, or the request does
