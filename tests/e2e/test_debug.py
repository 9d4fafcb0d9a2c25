"""`kubectl debug`: a container put into a pod that runs; and pods whose containers see one another's processes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Cluster, cluster, eventually

pytestmark = pytest.mark.e2e

BIND = "127.0.0.81"
COMMANDS = "cat /proc/[0-9]*/cmdline | tr '\\0' :"
IMAGES = Path(__file__).parent / "image-map.yaml"
PLAIN = """
apiVersion: v1
kind: Pod
metadata: {name: plain}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: main, image: test/shell, args: ["exec -a the-server sleep 1001"], command: [bash, -c]}
  volumes: [{name: scratch, emptyDir: {}}]
"""
SHARED = """
apiVersion: v1
kind: Pod
metadata: {name: shared}
spec:
  shareProcessNamespace: true
  terminationGracePeriodSeconds: 0
  containers:
  - {name: one, image: test/shell, command: [bash, -c], args: ["exec -a the-one sleep 1001"]}
  - {name: two, image: test/shell, command: [bash, -c], args: ["(sleep 0.3 &); exec -a the-two sleep 1002"]}
"""


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    options = ("--addons", "none", "--image-map", str(IMAGES))
    with cluster("debug", BIND, tmp_path_factory.mktemp("debug"), *options) as made:
        for text in (PLAIN, SHARED):
            made.kubectl("apply -f -", stdin=text)
        made.kubectl("wait --for=condition=Ready pod/plain pod/shared --timeout=60s")
        yield made


def ephemeral(k8s: Cluster, name: str) -> dict[str, object]:
    """The status of an ephemeral container of pod `plain`."""
    pod = json.loads(k8s.kubectl("get pod plain -o json"))
    statuses = (pod.get("status") or {}).get("ephemeralContainerStatuses") or []
    return next((status for status in statuses if status["name"] == name), {})


def test_a_container_is_put_into_a_running_pod_and_runs_once(k8s: Cluster) -> None:
    said = k8s.kubectl("debug plain -q --image=test/shell -c looks --attach=false -- sh -c hostname")
    assert "error" not in said.lower()
    eventually("it ended", lambda: "terminated" in ephemeral(k8s, "looks").get("state", {}))
    assert ephemeral(k8s, "looks")["state"]["terminated"]["exitCode"] == 0
    assert k8s.kubectl("logs plain -c looks").strip() == "plain"
    assert ephemeral(k8s, "looks")["restartCount"] == 0
    assert k8s.kubectl("get pod plain -o jsonpath={.status.containerStatuses[0].restartCount}") == "0"
    assert "Running" in k8s.kubectl("get pod plain --no-headers")
    assert "looks" in k8s.kubectl("describe pod plain")


def test_it_can_be_attached_to(k8s: Cluster) -> None:
    said = k8s.kubectl("debug plain -i -q --image=test/shell -c talks -- sh", stdin="echo $((40+2)); exit\n")
    assert "42" in said.split()


def test_one_with_a_target_sees_its_processes_and_one_without_does_not(k8s: Cluster) -> None:
    for name, option in (("near", "--target=main"), ("far", "--profile=general")):
        words = ["debug", "plain", "-q", "--image=test/shell", "-c", name, option, "--attach=false", "--"]
        k8s.run(k8s.kubectl_path, *words, "sh", "-c", COMMANDS)
        eventually(f"{name} ended", lambda name=name: "terminated" in ephemeral(k8s, name).get("state", {}))
    assert "the-server:1001" in k8s.kubectl("logs plain -c near")
    assert "the-server" not in k8s.kubectl("logs plain -c far")


def test_what_is_there_never_changes_and_nothing_else_can_be_written_that_way(k8s: Cluster) -> None:
    pod = json.loads(k8s.kubectl("get pod plain -o json"))
    path = "/api/v1/namespaces/default/pods/plain/ephemeralcontainers"
    changed = json.loads(json.dumps(pod))
    changed["spec"]["ephemeralContainers"][0]["image"] = "test/echo"
    said = k8s.kubectl(f"replace --raw {path} -f -", stdin=json.dumps(changed), check=False)
    assert 'existing ephemeral containers "looks" may not be changed' in said
    changed = json.loads(json.dumps(pod))
    changed["spec"]["containers"][0]["image"] = "test/echo"
    changed["metadata"]["labels"] = {"a": "b"}
    k8s.kubectl(f"replace --raw {path} -f -", stdin=json.dumps(changed))
    after = json.loads(k8s.kubectl("get pod plain -o json"))
    assert (after["spec"], after["metadata"].get("labels")) == (pod["spec"], pod["metadata"].get("labels"))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"name": "main"}, "Duplicate value"),
        ({"name": "x", "ports": [{"containerPort": 80}]}, "cannot be set for an Ephemeral Container"),
        ({"name": "x", "targetContainerName": "nosuch"}, "targetContainerName: Not found"),
    ],
)
def test_what_one_may_not_have_is_refused(k8s: Cluster, given: dict[str, object], says: str) -> None:
    patch = {"spec": {"ephemeralContainers": [{"image": "test/shell", **given}]}}
    words = ["patch", "pod", "plain", "--subresource=ephemeralcontainers", "-p", json.dumps(patch)]
    assert says in k8s.run(k8s.kubectl_path, *words, check=False)


def test_containers_of_a_shared_process_namespace_see_one_another(k8s: Cluster) -> None:
    seen = k8s.run(k8s.kubectl_path, "exec", "shared", "-c", "one", "--", "sh", "-c", COMMANDS)
    assert "the-one:1001" in seen
    assert "the-two:1002" in seen
    assert k8s.kubectl("exec shared -c one -- cat /proc/1/comm").strip() == "sleep"


def test_nothing_is_left_unreaped_there(k8s: Cluster) -> None:
    states = ["exec", "shared", "-c", "one", "--", "sh", "-c", "cat /proc/[0-9]*/stat"]
    eventually("no zombie", lambda: " Z " not in k8s.run(k8s.kubectl_path, *states))


def test_one_of_them_is_restarted_beside_the_other_also_when_the_first_process_dies(k8s: Cluster) -> None:
    def restarts() -> str:
        return k8s.kubectl("get pod shared -o jsonpath={.status.containerStatuses[*].restartCount}")

    k8s.run(k8s.kubectl_path, "exec", "shared", "-c", "one", "--", "pkill", "-9", "-f", "the-two", check=False)
    eventually("the second again", lambda: restarts() in ("0 1", "0 2"))
    [holder] = [pid for pid, words in k8s.processes().items() if words == "sleep infinity"]
    subprocess.run(["kill", "-9", str(holder)], check=True)
    eventually("both again", lambda: restarts().split()[0] != "0" and restarts().split()[1] in ("2", "3"))
    eventually("ready", lambda: "2/2" in k8s.kubectl("get pod shared --no-headers"))


def test_it_goes_and_leaves_nothing(k8s: Cluster) -> None:
    k8s.kubectl("delete pod shared plain --timeout=60s")
    eventually("no holder", lambda: "sleep infinity" not in k8s.processes().values())
