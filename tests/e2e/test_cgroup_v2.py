"""A machine with cgroup v2 alone: what ordinary ones are; where v1 hierarchies are mounted, one made of a namespace."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import BIN, Cluster, eventually

from wherry.cluster.paths import Paths

pytestmark = pytest.mark.e2e

ROOT = Path("/sys/fs/cgroup")
NAME, BIND = "cgroup-v2", "127.0.0.92"
POD = """
apiVersion: v1
kind: Pod
metadata: {name: limited}
spec:
  containers:
  - name: main
    image: busybox
    command: [sh, -c, "trap exit TERM; while :; do sleep 0.1; done"]
    resources: {limits: {cpu: 250m, memory: 64Mi}}
"""
CLASS = """
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: mine}
handler: runc
overhead: {podFixed: {memory: 8Mi}}
---
"""
V2_ONLY = 'umount --lazy --recursive /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"'


class Machine(Cluster):
    """A cluster whose commands see cgroup v2 alone."""

    def read(self, *paths: str) -> list[str]:
        """Return the text of files below the root of the control groups."""
        return [self.run("cat", ROOT / path).strip() for path in paths]

    @property
    def top(self) -> str:
        """The cluster's own group, below the root."""
        return Paths(self.home / "wherry" / NAME).cgroup.strip("/")


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    if os.geteuid() != 0 or not shutil.which("crun"):
        pytest.skip("needs root and crun")
    holding = ["unshare", "--mount", "--propagation", "private", "sh", "-c", V2_ONLY, "sh", "sleep", "600"]
    holder = subprocess.Popen(holding)
    home = tmp_path_factory.mktemp("v2")
    there = ("nsenter", f"--target={holder.pid}", "--mount", f"--wdns={home}")
    made = Machine(NAME, BIND, home, BIN / "kubectl", there)
    try:
        eventually("a name space with cgroup v2", lambda: Path(f"/proc/{holder.pid}/comm").read_text() == "sleep\n")
        made.wherry("up", "--name", NAME, "--bind", BIND, "--addons", "dns")
        made.kubectl("apply -f -", stdin=POD)
        made.kubectl("wait --for=condition=Ready pod/limited --timeout=30s")
        yield made
    finally:
        made.wherry("down", "--name", NAME, "--purge", check=False)
        holder.kill()
        holder.wait()


def groups(k8s: Machine) -> list[str]:
    """The control groups of the cluster, below its own."""
    return k8s.run("find", ROOT / k8s.top, "-mindepth", "1", "-type", "d", "-printf", "%P\\n", check=False).splitlines()


def test_pods_run_under_crun(k8s: Machine) -> None:
    runtime = k8s.kubectl("get node -o jsonpath={.items[0].status.nodeInfo.containerRuntimeVersion}")
    assert runtime.startswith("crun://")
    assert k8s.kubectl("exec limited -- cat /proc/self/cgroup").splitlines()[-1] == "0::/"


def test_a_runtime_class_has_its_pods_run_by_another(k8s: Machine) -> None:
    k8s.kubectl("apply -f -", stdin=CLASS + POD.replace("limited", "other") + "  runtimeClassName: mine\n")
    k8s.kubectl("wait --for=condition=Ready pod/other --timeout=30s")
    spec = k8s.kubectl("get pod other -o jsonpath={.status.containerStatuses[0].containerID},{.spec.overhead.memory}")
    assert spec.startswith("runc://")
    assert spec.endswith(",8Mi")
    assert k8s.kubectl("exec other -- cat /proc/self/cgroup").splitlines()[-1] == "0::/"
    k8s.kubectl("delete pod other")


def test_a_container_is_in_a_group_of_its_own_and_the_cluster_in_another(k8s: Machine) -> None:
    uid = k8s.kubectl("get pod limited -o jsonpath={.metadata.uid}")
    container = k8s.kubectl("get pod limited -o jsonpath={.status.containerStatuses[0].containerID}").partition("//")[2]
    assert f"k8s-master/pod{uid}/{container}" in groups(k8s)
    inside, cluster = k8s.read(
        f"{k8s.top}/k8s-master/pod{uid}/{container}/cgroup.procs", f"{k8s.top}/system/cgroup.procs"
    )
    assert inside
    init = subprocess.run(["pgrep", "-f", f"wherry: init of {NAME},"], capture_output=True, text=True).stdout.strip()
    assert init in cluster.splitlines()


def test_every_controller_there_is_is_handed_down_to_pods(k8s: Machine) -> None:
    uid = k8s.kubectl("get pod limited -o jsonpath={.metadata.uid}")
    root, pod = k8s.read("cgroup.controllers"), k8s.read(f"{k8s.top}/k8s-master/pod{uid}/cgroup.controllers")
    assert root == pod


def test_limits_are_set_where_their_controllers_are_and_missing_ones_named(k8s: Machine) -> None:
    uid = k8s.kubectl("get pod limited -o jsonpath={.metadata.uid}")
    pod = f"{k8s.top}/k8s-master/pod{uid}"
    [available] = k8s.read(f"{pod}/cgroup.controllers")
    log = k8s.wherry("logs", "node-k8s-master", "--name", NAME)
    for controller, file, expected in (("memory", "memory.max", str(64 << 20)), ("cpu", "cpu.max", "25000 100000")):
        if controller in available.split():
            assert k8s.read(f"{pod}/{file}") == [expected]
        else:
            assert any("not enforced" in line and controller in line for line in log.splitlines())


def test_a_running_pod_is_resized(k8s: Machine) -> None:
    limits = {"cpu": "500m", "memory": "128Mi"}
    patch = {"spec": {"containers": [{"name": "main", "resources": {"limits": limits, "requests": limits}}]}}
    k8s.run(k8s.kubectl_path, "patch", "pod", "limited", "--subresource=resize", "-p", json.dumps(patch))
    told = "get pod limited -o jsonpath={.status.containerStatuses[0].resources.limits.memory}"
    eventually("it is told", lambda: k8s.kubectl(told) == "128Mi")
    uid = k8s.kubectl("get pod limited -o jsonpath={.metadata.uid}")
    container = k8s.kubectl("get pod limited -o jsonpath={.status.containerStatuses[0].containerID}").partition("//")[2]
    for group in (f"{k8s.top}/k8s-master/pod{uid}", f"{k8s.top}/k8s-master/pod{uid}/{container}"):
        [available] = k8s.read(f"{group}/cgroup.controllers")
        for controller, file, expected in (
            ("memory", "memory.max", str(128 << 20)),
            ("cpu", "cpu.max", "50000 100000"),
        ):
            if controller in available.split():
                eventually(file, lambda path=f"{group}/{file}", text=expected: k8s.read(path) == [text])


def test_a_deleted_pod_leaves_no_group(k8s: Machine) -> None:
    uid = k8s.kubectl("get pod limited -o jsonpath={.metadata.uid}")
    k8s.kubectl("delete pod limited --timeout=30s")
    eventually("its group gone", lambda: not any(uid in path for path in groups(k8s)))


def test_down_leaves_no_group(k8s: Machine) -> None:
    k8s.wherry("down", "--name", NAME)
    assert not any(NAME in path for path in k8s.run("ls", ROOT).split())
