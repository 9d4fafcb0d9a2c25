"""Up and down, crashes of every kind, and a host that is left as it was."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from harness import MYBLOG, Cluster, cluster, eventually, folders, traffic

from wherry.client.http import connect
from wherry.objects.errors import ApiError
from wherry.objects.resource import CONFIG_MAPS

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
        image: test/machine
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
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  rules:
  - host: ahoy.example
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
"""


def host_state() -> tuple[str, str, str]:
    """What of the host's own network must not change: links, routes, netfilter tables."""
    commands = (["ip", "-o", "link"], ["ip", "route", "show", "table", "all"], ["nft", "list", "tables"])
    texts = [subprocess.run(c, capture_output=True, text=True, check=True).stdout for c in commands]
    return texts[0], re.sub(r" expires \S+", "", texts[1]), texts[2]


def answers(k8s: Cluster) -> bool:
    return k8s.run("curl", "-sS", "--max-time", "5", f"http://{BIND}:30080/", check=False) == "ahoy\n"


def ingress_answers(k8s: Cluster) -> bool:
    url = f"http://{BIND}:8080/"
    return k8s.run("curl", "-sS", "--max-time", "5", "-H", "Host: ahoy.example", url, check=False) == "ahoy\n"


def containers(k8s: Cluster) -> str:
    return k8s.kubectl("get pods -l app=web -o jsonpath={.items[*].status.containerStatuses[*].containerID}")


def restarts(k8s: Cluster) -> int:
    template = "jsonpath={.items[*].status.containerStatuses[*].restartCount}"
    return sum(map(int, k8s.kubectl(f"get pods -A -o {template}").split()))


def leftovers(k8s: Cluster, were: dict[int, str]) -> list[str]:
    """Whatever of a cluster is still on the host: processes, mounts, named namespaces, cgroups, listeners."""
    alive = [f"{pid} {args}" for pid, args in were.items() if _args(pid) == args]
    mounts = [line for line in Path("/proc/mounts").read_text().splitlines() if "wherry" in line]
    mounts = [line for line in mounts if "/wherry-test-" not in line]  # another test's namespaces
    groups = [str(path) for path in folders(Path("/sys/fs/cgroup")) if path.name.startswith(f"wherry-{k8s.name}")]
    named = subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout.splitlines()
    sockets = ["ss", "-Hltun", f"src {BIND}"]
    listening = subprocess.run(sockets, capture_output=True, text=True, check=True).stdout.splitlines()
    return [*alive, *mounts, *groups, *(n for n in named if "k8s-" in n or n == "lan"), *listening]


def _args(pid: int) -> str:
    return subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def before() -> tuple[str, str, str]:
    return host_state()


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory, before: tuple[str, str, str]) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("life")
    with cluster("life", BIND, home, "--image-map", str(Path(__file__).with_name("image-map.yaml"))) as made:
        made.kubectl("apply -f -", stdin=WEB)
        made.kubectl("rollout status deployment/web --timeout=60s")
        eventually("the node port on the host", lambda: answers(made))
        eventually("the ingress on the host", lambda: ingress_answers(made))
        yield made


def test_the_hosts_own_network_is_as_it_was(k8s: Cluster, before: tuple[str, str, str]) -> None:
    assert host_state() == before


def test_up_again_is_a_look_and_other_options_are_refused(k8s: Cluster) -> None:
    pid = k8s.init_pid
    assert "cluster life is up" in k8s.wherry("up", "--name", "life")
    assert k8s.init_pid == pid
    assert "running with other options" in k8s.wherry("up", "--name", "life", "--nodes", "2", check=False)


def test_a_taken_port_is_named_with_the_way_around_it(k8s: Cluster) -> None:
    output = k8s.wherry("up", "--name", "second", "--bind", BIND, check=False)
    assert f"port 6443 on {BIND} is taken" in output
    assert "--api-port" in output
    assert not (k8s.home / "wherry" / "second" / "cluster.json").exists()


@pytest.mark.parametrize("component", ["control-plane", "node-k8s-master", "host-forward"])
def test_a_component_that_is_killed_comes_back_and_pods_never_notice(k8s: Cluster, component: str) -> None:
    ran, pattern = containers(k8s), f"^wherry: {component}$"
    url = f"http://{k8s.kubectl('get svc web -o jsonpath={.spec.clusterIP}')}/"
    (victim,) = k8s.find(pattern)
    with traffic(k8s, "k8s-master", url) as counted:
        os.kill(victim, signal.SIGKILL)
        eventually("the component again", lambda: k8s.find(pattern) - {victim})
        eventually("the node port on the host", lambda: answers(k8s))
        eventually("the ingress on the host", lambda: ingress_answers(k8s))
        assert containers(k8s) == ran
        k8s.kubectl("scale deployment web --replicas=3")
        k8s.kubectl("rollout status deployment/web --timeout=60s")
    assert counted.keys() == {"200"}
    k8s.kubectl("scale deployment web --replicas=2")
    eventually("two pods again", lambda: len(containers(k8s).split()) == 2)


@pytest.mark.parametrize(
    ("process", "noticed"),
    [
        ("-m wherry proxy ", True),
        ("-m wherry dns ", True),
        ("-m wherry ingress ", True),
        ("nginx: master process", False),  # its controller starts another, the container is the same
        ("/conmon .*coredns", True),
        ("/conmon .*nginx-ingress", True),
    ],
)
def test_a_process_of_the_system_that_is_killed_comes_back(k8s: Cluster, process: str, noticed: bool) -> None:
    """Meanwhile pods go on serving: what kube-proxy wrote into the kernel stays."""
    ran, restarted = containers(k8s), restarts(k8s)
    url = f"http://{k8s.kubectl('get svc web -o jsonpath={.spec.clusterIP}')}/"
    were = k8s.find(process)
    with traffic(k8s, "k8s-master", url) as counted:
        os.kill(min(were), signal.SIGKILL)
        eventually("as many processes again", lambda: len(k8s.find(process) - {min(were)}) == len(were))
        if noticed:
            eventually("the restart in the status", lambda: restarts(k8s) == restarted + 1)
        k8s.kubectl("wait --for=condition=Ready pod --all -A --timeout=60s")
        eventually("the node port on the host", lambda: answers(k8s))
        eventually("the ingress on the host", lambda: ingress_answers(k8s))
    assert counted.keys() == {"200"}
    assert containers(k8s) == ran


def test_a_pod_whose_conmon_is_killed_starts_again_and_the_other_serves(k8s: Cluster) -> None:
    pod = k8s.pods("app=web", "default")[0]
    (conmon,) = k8s.find(f"/conmon .*default_{pod}_")
    os.kill(conmon, signal.SIGKILL)
    count = f"get pod {pod} -o jsonpath={{.status.containerStatuses[0].restartCount}}"
    eventually("the restart in the status", lambda: k8s.kubectl(count) == "1")
    k8s.kubectl(f"wait --for=condition=Ready pod/{pod} --timeout=60s")
    eventually("the node port on the host", lambda: answers(k8s))


def test_deleted_pods_of_the_system_are_replaced(k8s: Cluster) -> None:
    k8s.kubectl("-n kube-system delete pod --all --wait=true")
    k8s.kubectl("-n kube-system rollout status daemonset/kube-proxy --timeout=60s")
    k8s.kubectl("-n kube-system rollout status deployment/coredns --timeout=60s")
    eventually("the node port on the host", lambda: answers(k8s))


def test_no_acknowledged_write_is_lost_whatever_is_killed(k8s: Cluster) -> None:
    """ConfigMaps are written in a stream while the control plane, twice, and then the init are killed."""
    killed = threading.Event()
    acknowledged: dict[str, str | None] = {}

    def kill() -> None:
        for _ in range(2):
            reached = len(acknowledged) + 60
            eventually("sixty more writes", lambda reached=reached: len(acknowledged) >= reached)
            os.kill(k8s.find("^wherry: control-plane$").pop(), signal.SIGKILL)
        reached = len(acknowledged) + 60
        eventually("sixty more writes", lambda: len(acknowledged) >= reached)
        os.kill(k8s.init_pid, signal.SIGKILL)

    with ThreadPoolExecutor(1) as killer:
        killing = killer.submit(kill)
        killing.add_done_callback(lambda _: killed.set())  # also where it fails: nothing is written for ever
        asyncio.run(write(str(k8s.home / "wherry" / "life" / "kubeconfig"), acknowledged, killed))
        killing.result()
    eventually("the end of everything", lambda: "running" not in k8s.wherry("status", "--name", "life", check=False))
    k8s.wherry("up", "--name", "life")
    items = json.loads(k8s.kubectl("get configmaps -l stream=yes -o json"))["items"]
    kept = {item["metadata"]["name"]: item["data"]["number"] for item in items}
    assert len(acknowledged) >= 180
    assert {name: kept.get(name) for name in acknowledged} == acknowledged


async def write(kubeconfig: str, acknowledged: dict[str, str | None], killed: threading.Event) -> None:
    """Create, change and delete ConfigMaps until everything is killed; note what the server has acknowledged.

    A write that was not acknowledged may have happened or not: its ConfigMap is left out.
    """
    client = connect(kubeconfig)
    number = 0
    try:
        while not killed.is_set():
            number += 1
            name = f"stream-{number}"
            try:
                await client.create(CONFIG_MAPS, config_map(name), "default")
                state: str | None = "first"
                if number % 3 == 1:
                    await client.patch(CONFIG_MAPS, name, {"data": {"number": "second"}}, "default")
                    state = "second"
                if number % 5 == 1:
                    await client.delete(CONFIG_MAPS, name, "default")
                    state = None
            except ApiError:
                await asyncio.sleep(0.01)
            else:
                acknowledged[name] = state
    finally:
        await client.close()


def config_map(name: str) -> dict[str, object]:
    metadata = {"name": name, "labels": {"stream": "yes"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"number": "first"}}


def test_pods_and_traffic_are_back_after_a_crash(k8s: Cluster) -> None:
    k8s.kubectl("rollout status deployment/web --timeout=60s")
    eventually("the node port on the host", lambda: answers(k8s))
    eventually("the ingress on the host", lambda: ingress_answers(k8s))


def test_down_leaves_nothing_also_after_everything_was_killed(k8s: Cluster, before: tuple[str, str, str]) -> None:
    k8s.kubectl("create configmap kept --from-literal=a=b")
    pods = k8s.kubectl("get pods -A -o name")
    were = k8s.processes()
    assert len(were) > 10
    os.kill(k8s.init_pid, signal.SIGKILL)
    k8s.wherry("down", "--name", "life")
    assert leftovers(k8s, were) == []
    assert host_state() == before

    k8s.wherry("up", "--name", "life")
    assert k8s.kubectl("get configmap kept -o jsonpath={.data.a}") == "b"
    assert k8s.kubectl("get pods -A -o name") == pods
    were = k8s.processes()
    k8s.wherry("down", "--name", "life")
    assert leftovers(k8s, were) == []
    assert host_state() == before

    k8s.wherry("down", "--name", "life", "--purge")
    assert not (k8s.home / "wherry" / "life").exists()
    with socket.create_server((BIND, 6443)):
        pass


def test_nothing_of_the_examples_was_written_to_the_hosts_file_system() -> None:
    assert not list(MYBLOG.rglob("*.sock"))
    assert not Path("/opt/mysql").exists()
