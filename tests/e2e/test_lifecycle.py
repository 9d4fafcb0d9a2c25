"""Up and down, crashes of every kind, and a host that is left as it was."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import MYBLOG, Cluster, cluster, eventually

pytestmark = pytest.mark.e2e

BIND = "127.0.0.61"
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        image: host/python
        command: [python3, -m, http.server, "8000", --directory, /srv/www]
        volumeMounts: [{name: www, mountPath: /srv/www}]
        readinessProbe: {tcpSocket: {port: 8000}, periodSeconds: 1}
      volumes:
      - name: www
        configMap: {name: www}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: www}
data: {index.html: "ahoy\\n"}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  selector: {app: web}
  ports: [{port: 80, targetPort: 8000, nodePort: 30080}]
"""
IMAGE_MAP = 'images:\n- match: "host/*"\n  command: []\n'


def host_state() -> tuple[str, str, str]:
    """What of the host's own network must not change: links, routes, netfilter tables."""
    commands = (["ip", "-o", "link"], ["ip", "route", "show", "table", "all"], ["nft", "list", "tables"])
    texts = [subprocess.run(c, capture_output=True, text=True, check=True).stdout for c in commands]
    return texts[0], texts[1], texts[2]


def init_pid(k8s: Cluster) -> int:
    data = k8s.home / "wherry" / k8s.name / "init.json"
    return int(json.loads(data.read_text())["pid"])


def children(pid: int) -> dict[str, int]:
    """The init's components by name."""
    lines = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True, check=True
    ).stdout
    found = (re.match(r"\s*(\d+) wherry: (\S+)", line) for line in lines.splitlines())
    return {match[2]: int(match[1]) for match in found if match}


def answers(k8s: Cluster) -> bool:
    return k8s.run("curl", "-sS", "--max-time", "5", f"http://{BIND}:30080/", check=False) == "ahoy\n"


def leftovers(k8s: Cluster) -> list[str]:
    """Whatever of a cluster is still on the host: processes, mounts, cgroups, listeners."""
    found = subprocess.run(
        ["pgrep", "-af", f"wherry.cluster.sandbox|{k8s.home}"], capture_output=True, text=True, check=False
    )
    mounts = [line for line in Path("/proc/mounts").read_text().splitlines() if "wherry" in line]
    groups = [str(p) for p in Path("/sys/fs/cgroup").rglob(f"wherry-{k8s.name}*")]
    listening = subprocess.run(["ss", "-Hltn", f"src {BIND}"], capture_output=True, text=True, check=True).stdout
    mine = [line for line in found.stdout.splitlines() if str(k8s.home) in line]
    return [*mine, *mounts, *groups, *listening.splitlines()]


@pytest.fixture(scope="module")
def before() -> tuple[str, str, str]:
    return host_state()


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory, before: tuple[str, str, str]) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("life")
    (home / "map.yaml").write_text(IMAGE_MAP)
    with cluster("life", BIND, home, "--addons", "dns", "--image-map", str(home / "map.yaml")) as made:
        made.kubectl("apply -f -", stdin=WEB)
        made.kubectl("rollout status deployment/web --timeout=60s")
        eventually("the node port on the host", lambda: answers(made))
        yield made


def test_the_hosts_own_network_is_as_it_was(k8s: Cluster, before: tuple[str, str, str]) -> None:
    assert host_state() == before


def test_up_again_is_a_look_and_other_options_are_refused(k8s: Cluster) -> None:
    pid = init_pid(k8s)
    assert "cluster life is up" in k8s.wherry("up", "--name", "life")
    assert init_pid(k8s) == pid
    assert "running with other options" in k8s.wherry("up", "--name", "life", "--nodes", "2", check=False)


def test_a_taken_port_is_named_with_the_way_around_it(k8s: Cluster) -> None:
    output = k8s.wherry("up", "--name", "second", "--bind", BIND, check=False)
    assert f"port 6443 on {BIND} is taken" in output
    assert "--api-port" in output
    assert not (k8s.home / "wherry" / "second" / "cluster.json").exists()


@pytest.mark.parametrize("component", ["control-plane", "node-k8s-master", "host-forward"])
def test_a_component_that_is_killed_comes_back_and_pods_never_notice(k8s: Cluster, component: str) -> None:
    pods = k8s.kubectl("get pods -l app=web -o jsonpath={.items[*].status.containerStatuses[*].containerID}")
    victim = children(init_pid(k8s))[component]
    os.kill(victim, signal.SIGKILL)
    ip = k8s.kubectl("get svc web -o jsonpath={.spec.clusterIP}")
    assert k8s.on("k8s-master", "curl", "-sS", "--max-time", "5", f"http://{ip}/") == "ahoy\n"
    eventually("the component again", lambda: children(init_pid(k8s)).get(component, victim) != victim)
    eventually("the node port on the host", lambda: answers(k8s))
    after = "get pods -l app=web -o jsonpath={.items[*].status.containerStatuses[*].containerID}"
    assert k8s.kubectl(after) == pods
    k8s.kubectl("scale deployment web --replicas=3")
    k8s.kubectl("rollout status deployment/web --timeout=60s")
    k8s.kubectl("scale deployment web --replicas=2")
    eventually("two pods again", lambda: len(k8s.pods("app=web", "default")) == 2)


def test_a_pod_of_the_system_that_is_killed_comes_back(k8s: Cluster) -> None:
    for name in k8s.pods("k8s-app=kube-proxy", "kube-system"):
        k8s.kubectl(f"-n kube-system delete pod {name}")
    k8s.kubectl("-n kube-system rollout status daemonset/kube-proxy --timeout=60s")
    eventually("the node port on the host", lambda: answers(k8s))


def test_a_pod_that_is_not_ready_gets_no_new_connections_and_none_at_all_refuses_at_once(k8s: Cluster) -> None:
    ip = k8s.kubectl("get svc web -o jsonpath={.spec.clusterIP}")
    k8s.kubectl("scale deployment web --replicas=0")

    def refused() -> bool:
        output = k8s.on("k8s-master", "curl", "-sS", "--max-time", "3", f"http://{ip}/", check=False)
        return "after 0 ms: Couldn't connect" in output  # curl's words for "connection refused"

    eventually("a refusal", refused)
    k8s.kubectl("scale deployment web --replicas=2")
    k8s.kubectl("rollout status deployment/web --timeout=60s")
    eventually("the node port on the host", lambda: answers(k8s))


def test_no_acknowledged_write_is_lost_when_everything_is_killed(k8s: Cluster) -> None:
    k8s.kubectl("create configmap kept --from-literal=a=b")
    os.kill(init_pid(k8s), signal.SIGKILL)
    eventually("the end of everything", lambda: "running" not in k8s.wherry("status", "--name", "life", check=False))
    k8s.wherry("up", "--name", "life")
    assert k8s.kubectl("get configmap kept -o jsonpath={.data.a}") == "b"
    k8s.kubectl("rollout status deployment/web --timeout=60s")
    eventually("the node port on the host", lambda: answers(k8s))


def test_down_leaves_nothing_also_after_everything_was_killed(k8s: Cluster, before: tuple[str, str, str]) -> None:
    os.kill(init_pid(k8s), signal.SIGKILL)
    k8s.wherry("down", "--name", "life")
    assert leftovers(k8s) == []
    assert host_state() == before
    k8s.wherry("up", "--name", "life")
    assert k8s.kubectl("get configmap kept -o jsonpath={.data.a}") == "b"
    k8s.wherry("down", "--name", "life", "--purge")
    assert leftovers(k8s) == []
    assert not (k8s.home / "wherry" / "life").exists()
    with socket.create_server((BIND, 6443)):
        pass


def test_nothing_of_the_examples_was_written_to_the_hosts_file_system() -> None:
    assert not list(MYBLOG.rglob("*.sock"))
    assert not Path("/opt/mysql").exists()
