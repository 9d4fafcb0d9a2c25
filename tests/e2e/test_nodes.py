"""What happens to machines, done to nodes: one is cut off and connected, switched off and on."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from harness import Cluster, cluster, eventually

pytestmark = pytest.mark.e2e

BIND = "127.0.0.85"
NODE, OTHER = "k8s-slave1", "k8s-master"


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    options = ("--nodes", "2", "--addons", "none", "--egress", "none")
    with cluster("nodes", BIND, tmp_path_factory.mktemp("nodes"), *options) as made:
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "web"},
            "spec": {
                "nodeName": NODE,
                "containers": [{"name": "web", "image": "python", "command": ["python3", "-m", "http.server", "80"]}],
            },
        }
        made.kubectl("apply -f -", stdin=json.dumps(pod))
        made.kubectl("wait --for=condition=Ready pod/web --timeout=60s")
        yield made


def answers(k8s: Cluster) -> bool:
    """Tell whether the pod is reached from another node."""
    address = k8s.kubectl("get pod web -o jsonpath={.status.podIP}")
    curl = ("curl", "-s", "-m", "2", "-o", "/dev/null", "-w", "%{http_code}", f"http://{address}/")
    return k8s.on(OTHER, *curl, check=False).strip() == "200"


def node(k8s: Cluster, verb: str, name: str = NODE, check: bool = True) -> str:
    return k8s.wherry("node", verb, "--name", k8s.name, name, check=check)


def test_a_node_that_is_cut_off_runs_on_and_is_not_reached(k8s: Cluster) -> None:
    eventually("the pod's answer", lambda: answers(k8s))
    before = k8s.find(f"wherry: node-{NODE}")
    node(k8s, "partition")
    assert not answers(k8s)
    assert k8s.find(f"wherry: node-{NODE}") == before
    node(k8s, "heal")
    eventually("the pod's answer", lambda: answers(k8s))


def test_a_node_that_is_switched_off_has_no_process_and_its_pods_are_back_with_it(k8s: Cluster) -> None:
    node(k8s, "stop")
    assert not k8s.find(f"wherry: node-{NODE}")
    assert not k8s.find("http.server 80")
    assert not answers(k8s)
    assert f"node {NODE} is off" in k8s.wherry("status", check=False)
    assert "is off" in node(k8s, "heal", check=False)
    assert k8s.find(f"wherry: node-{OTHER}")

    node(k8s, "start")
    eventually("the pod's answer", lambda: answers(k8s))
    restarts = "get pod web -o jsonpath={.status.containerStatuses[0].restartCount}"
    eventually("the restart in the status", lambda: k8s.kubectl(restarts) == "1")


def test_a_node_is_added_to_a_running_cluster_and_removed_again(k8s: Cluster) -> None:
    assert "node new is added: 192.168.51.211" in node(k8s, "add", "new")
    overrides = '{"spec":{"nodeName":"new"}}'
    k8s.kubectl(f"run guest --image=busybox --overrides={overrides} --command -- sleep 1000")
    k8s.kubectl("wait --for=condition=Ready pod/guest --timeout=60s")
    curl = "curl -s -m 5 -o /dev/null -w %{http_code}"
    address = k8s.kubectl("get pod web -o jsonpath={.status.podIP}")
    eventually("the way back", lambda: k8s.kubectl(f"exec guest -- {curl} http://{address}/") == "200")

    node(k8s, "rm", "new")
    assert "new" not in k8s.kubectl("get nodes -o name")
    assert not k8s.find("wherry: node-new")
    eventually("its pods to go", lambda: "guest" not in k8s.kubectl("get pods -o name"))
    assert "was removed while the cluster ran" in node(k8s, "add", "new", check=False)
    assert "is named twice" in node(k8s, "add", NODE, check=False)
    assert "is where the control plane is" in node(k8s, "rm", OTHER, check=False)
    assert "2 node(s)" in k8s.wherry("status", "--name", k8s.name)


def test_what_cannot_be_is_refused_by_name(k8s: Cluster) -> None:
    assert "is where the control plane is" in node(k8s, "stop", OTHER, check=False)
    assert "has no node 'nowhere'; it has k8s-master, k8s-slave1" in node(k8s, "partition", "nowhere", check=False)
