"""Rolling updates under a stream of connections: whoever connects is answered, whatever is killed meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness import BIN, Cluster, cluster, eventually

pytestmark = pytest.mark.e2e

HERE = Path(__file__).parent
BIND = "127.0.0.87"
NODE_PORT = "192.168.51.210:30090"
KILLS, LONGEST_SECONDS = 5, 110.0
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: test/echo
        readinessProbe: {httpGet: {path: /ready, port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080, nodePort: 30090}]
"""


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("rollout")
    options = ("--nodes", "2", "--addons", "none", "--image-map", str(HERE / "image-map.yaml"))
    with cluster("rollout", BIND, home, *options) as made:
        made.kubectl("apply -f -", stdin=WEB)
        made.kubectl("rollout status deployment/web --timeout=60s")
        yield made


@contextmanager
def stream(k8s: Cluster) -> Iterator[dict[str, dict[str, int]]]:
    """Connect to the cluster IP and a node port, over and over, while the block runs; then tell what came of it."""
    addresses = [f"{k8s.kubectl('get svc web -o jsonpath={.spec.clusterIP}')}:80", NODE_PORT]
    stop, seen = k8s.home / "stop-stream", {}
    stop.unlink(missing_ok=True)
    command = [BIN / "wherry", "shell", "--name", k8s.name, "k8s-master", "--", "python3", HERE / "stream.py", stop]
    process = subprocess.Popen(
        [*command, *addresses], env=k8s.environment, cwd=k8s.home, stdout=subprocess.PIPE, text=True
    )
    try:
        yield seen
    finally:
        stop.touch()
        output, _ = process.communicate(timeout=30)
    seen.update(json.loads(output))


@contextmanager
def kills_of_the_control_plane(k8s: Cluster) -> Iterator[None]:
    """Kill the control plane again and again while the block runs, each time when a pod has just been deleted."""
    over = threading.Event()

    def kill() -> None:
        killed: set[int] = set()
        while not over.is_set() and len(killed) < KILLS:
            command = "get pods -l app=web -o jsonpath={.items[*].metadata.deletionTimestamp}"
            victims = k8s.find("^wherry: control-plane$") - killed
            if victims and k8s.kubectl(command, check=False).startswith("20"):
                victim = victims.pop()
                os.kill(victim, signal.SIGKILL)
                killed.add(victim)
            time.sleep(0.05)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield
    finally:
        over.set()
        killer.join()


def restart(k8s: Cluster) -> None:
    """Roll out anew, and wait for the last of the old pods to go."""
    before = set(k8s.pods("app=web", "default"))
    k8s.kubectl("rollout restart deployment/web")
    end = time.monotonic() + LONGEST_SECONDS

    def replaced() -> bool:
        now = k8s.kubectl("get pods -l app=web -o name", check=False).split()
        status = k8s.kubectl("rollout status deployment/web --watch=false", check=False)
        return "successfully rolled out" in status and not {f"pod/{name}" for name in before} & set(now)

    eventually("the new pods alone", replaced, end - time.monotonic())


def test_a_rolling_update_refuses_nobody(k8s: Cluster) -> None:
    with stream(k8s) as seen:
        restart(k8s)
    assert {answer for counted in seen.values() for answer in counted} == {"answered"}, seen
    assert all(counted["answered"] > 100 for counted in seen.values()), seen


def test_a_rolling_update_while_the_control_plane_is_killed_refuses_nobody(k8s: Cluster) -> None:
    """Servers that stop listening at their stop signal serve until the proxies have heard that they will end."""
    with stream(k8s) as seen, kills_of_the_control_plane(k8s):
        restart(k8s)
    assert {answer for counted in seen.values() for answer in counted} == {"answered"}, seen
    assert all(counted["answered"] > 100 for counted in seen.values()), seen


def test_a_pod_of_no_service_ends_without_waiting(k8s: Cluster) -> None:
    """And one of a Service does not outlive its proxies' delay by much."""
    k8s.kubectl("run alone --image=test/echo")
    eventually("the server", lambda: "serving" in k8s.kubectl("logs alone", check=False))
    began = time.monotonic()
    k8s.kubectl("delete pod alone")
    alone = time.monotonic() - began
    served = k8s.pods("app=web", "default")[0]
    began = time.monotonic()
    k8s.kubectl(f"delete pod {served}")
    assert max(alone, time.monotonic() - began) < 15  # far below the half of a grace period, on any machine
