"""Whatever ends of the ingress, those who send requests through the machine's forward are answered."""

from __future__ import annotations

import http.client
import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness import Cluster, cluster, eventually

pytestmark = pytest.mark.e2e

BIND, INGRESS, NODE_PORT = "127.0.0.36", 8080, 30036
GUARDIAN, MASTER = "-m wherry ingress ", "nginx: master process .*wherry-ingress"
DEPLOYMENT = "-n wherry-ingress rollout {} deployment/nginx-ingress-controller"
APP = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: echo}
spec:
  selector: {matchLabels: {app: echo}}
  template:
    metadata: {labels: {app: echo}}
    spec:
      containers:
      - name: echo
        image: test/echo
        readinessProbe: {httpGet: {path: /ready, port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: echo}
spec:
  type: NodePort
  selector: {app: echo}
  ports: [{port: 80, targetPort: 8080, nodePort: 30036}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: echo}
spec:
  rules:
  - host: echo.example
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
"""


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("ends")
    image_map = str(Path(__file__).with_name("image-map.yaml"))
    with cluster("ingress-ends", BIND, home, "--image-map", image_map) as made:
        made.kubectl("apply -f -", stdin=APP)
        made.kubectl("rollout status deployment/echo --timeout=60s")
        eventually("the first answer", lambda: ask() == "200")
        yield made


def ask(port: int = INGRESS) -> str:
    """Return the status of one request on a connection of its own, or what kind of failure there was."""
    connection = http.client.HTTPConnection(BIND, port, timeout=30)
    try:
        connection.request("GET", "/", headers={"Host": "echo.example"})
        return str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()


class Stream(Counter[str]):
    """Answers by kind, and the longest wait for one in seconds."""

    longest = 0.0


@contextmanager
def stream(port: int = INGRESS) -> Iterator[Stream]:
    """Send one request after the other, for two minutes at most, while the block runs."""
    counted, done, end = Stream(), threading.Event(), time.monotonic() + 120

    def run() -> None:
        while not done.is_set() and time.monotonic() < end:
            started = time.monotonic()
            counted[ask(port)] += 1
            counted.longest = max(counted.longest, time.monotonic() - started)
            done.wait(0.01)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield counted
    finally:
        done.set()
        thread.join()
    print(f"answers {dict(counted)}, longest wait {counted.longest:.2f} s")


def ready_pods(k8s: Cluster) -> set[str]:
    template = "jsonpath={range .items[?(@.status.containerStatuses[0].ready==true)]}{.metadata.name} {end}"
    return set(k8s.run(k8s.kubectl_path, "-n", "wherry-ingress", "get", "pods", "-o", template).split())


def alone(k8s: Cluster) -> set[str]:
    """Return the one pod there is once no other is left."""
    patterns = ("^wherry: ingress controller", GUARDIAN, MASTER)
    eventually("one pod alone", lambda: {len(ready_pods(k8s)), *(len(k8s.find(one)) for one in patterns)} == {1})
    return ready_pods(k8s)


def test_a_killed_controller_is_not_noticed(k8s: Cluster) -> None:
    alone(k8s)
    (controller,) = k8s.find("^wherry: ingress controller")
    masters = k8s.find(MASTER)
    with stream() as counted:
        os.kill(controller, signal.SIGKILL)
        eventually("another", lambda: k8s.find("^wherry: ingress controller") - {controller})
        k8s.kubectl("scale deployment/echo --replicas=2")
        k8s.kubectl("rollout status deployment/echo --timeout=60s")
    assert set(counted) == {"200"}
    assert k8s.find(MASTER) == masters


def test_a_killed_nginx_master_is_not_noticed(k8s: Cluster) -> None:
    """Its workers go on until the next nginx listens beside them."""
    alone(k8s)
    masters = k8s.find(MASTER)
    (master,) = masters
    with stream() as counted:
        os.kill(master, signal.SIGKILL)
        eventually("another", lambda: k8s.find(MASTER) - masters)
        k8s.kubectl("rollout status deployment/echo --timeout=60s")
    assert set(counted) == {"200"}


def test_who_waits_for_the_workers_of_a_killed_master_is_answered_by_the_next_ones(k8s: Cluster) -> None:
    """Those are held up here until the next nginx tells them to end: connections wait in their queues, and move on."""
    alone(k8s)
    masters = k8s.find(MASTER)
    (master,) = masters
    workers = children(master)
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    with ThreadPoolExecutor(8) as clients:
        answers = [clients.submit(ask) for _ in range(8)]
        os.kill(master, signal.SIGKILL)
        eventually("their end is asked for", lambda: all(map(is_told_to_quit, workers)))
        for worker in workers:
            os.kill(worker, signal.SIGCONT)
        assert [answer.result() for answer in answers] == ["200"] * 8
    assert not masters & k8s.find(MASTER)


def children(process: int) -> set[int]:
    return {int(pid) for pid in Path(f"/proc/{process}/task/{process}/children").read_text().split()}


def is_told_to_quit(process: int) -> bool:
    """Whether SIGQUIT waits for a process (proc_pid_status(5))."""
    status = Path(f"/proc/{process}/status").read_text()
    (pending,) = re.findall(r"^ShdPnd:\s*(\w+)$", status, re.MULTILINE)
    return bool(int(pending, 16) >> (signal.SIGQUIT - 1) & 1)


def test_killed_nginx_workers_cost_no_more_than_what_they_were_doing(k8s: Cluster) -> None:
    """A connection that a worker has taken ends with it; those that wait are the next worker's."""
    alone(k8s)
    (master,) = k8s.find(MASTER)
    workers = children(master)
    with stream() as counted:
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        eventually("others", lambda: not workers & set(k8s.find("nginx: worker process")))
        k8s.kubectl("rollout status deployment/echo --timeout=60s")
    assert counted.total() - counted["200"] <= len(workers)


def test_a_rollout_is_not_noticed(k8s: Cluster) -> None:
    before = ready_pods(k8s)
    with stream() as counted:
        k8s.kubectl(DEPLOYMENT.format("restart"))
        k8s.kubectl(DEPLOYMENT.format("status") + " --timeout=60s")
        eventually("the end of the old one", lambda: not before & ready_pods(k8s))
    assert set(counted) == {"200"}


def test_the_only_pod_may_be_deleted(k8s: Cluster) -> None:
    (only,) = alone(k8s)
    with stream() as counted:
        k8s.kubectl(f"-n wherry-ingress delete pod {only}")
        eventually("another", lambda: ready_pods(k8s) - {only})
    assert set(counted) <= {"200", "503"}


def test_the_only_pod_may_be_killed(k8s: Cluster) -> None:
    alone(k8s)
    (guardian,) = k8s.find(GUARDIAN)
    with stream() as counted:
        os.kill(guardian, signal.SIGKILL)
        eventually("another", lambda: k8s.find(GUARDIAN) - {guardian})
        eventually("an answer", lambda: ask() == "200")
    assert set(counted) <= {"200", "503"}


def test_a_killed_control_plane_is_not_noticed(k8s: Cluster) -> None:
    (victim,) = k8s.find("^wherry: control-plane")
    with stream() as counted:
        os.kill(victim, signal.SIGKILL)
        eventually("another", lambda: k8s.find("^wherry: control-plane") - {victim})
        eventually("the API", lambda: k8s.kubectl("get nodes"))
    assert set(counted) == {"200"}


def test_while_the_forward_is_killed_new_connections_wait(k8s: Cluster) -> None:
    """A connection it carried ends with it; whoever connects afterwards waits for the next one."""
    (victim,) = k8s.find("^wherry: host-forward")
    assert ask() == "200"
    os.kill(victim, signal.SIGKILL)
    assert [ask() for _ in range(20)] == ["200"] * 20
    assert victim not in k8s.find("^wherry: host-forward")


def test_while_the_forward_is_killed_again_and_again_nobody_is_refused_at_a_node_port(k8s: Cluster) -> None:
    """Their sockets are kept for the next one; what each of them carried ends with it."""
    kills, killed = 5, set[int]()

    def kill(counted: Stream) -> None:
        eventually("the next", lambda: k8s.find("^wherry: host-forward") - killed)
        (victim,) = k8s.find("^wherry: host-forward")
        killed.add(victim)
        before = counted["200"]
        os.kill(victim, signal.SIGKILL)
        eventually("answers", lambda: counted["200"] > before + 3)

    with stream(NODE_PORT) as counted:
        for _ in range(kills):
            kill(counted)
    assert counted["200"] > 3 * kills
    assert "ConnectionRefusedError" not in counted
    assert counted.total() - counted["200"] <= kills
