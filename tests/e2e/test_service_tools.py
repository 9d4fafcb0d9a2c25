"""What people do with a cluster's Services, beside using them: other proxies, what is traced, what goes there."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from harness import Cluster, cluster, eventually, traffic

pytestmark = pytest.mark.e2e

BIND = "127.0.0.159"
NODES = ("k8s-master", "k8s-slave1")


POLICY = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {
        "podSelector": {"matchLabels": {"app": "web"}},
        "ingress": [{"from": [{"podSelector": {"matchLabels": {"who": "friend"}}}]}],
    },
}


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    options = ("--nodes", "2", "--addons", "dns", "--egress", "none")
    with cluster("tools", BIND, tmp_path_factory.mktemp("tools"), *options) as made:
        made.kubectl("create deployment web --image=python --replicas=1 -- python3 -m http.server 8000")
        made.kubectl("expose deployment web --port=80 --target-port=8000")
        made.kubectl("expose deployment web --name=wrong --port=80 --target-port=81")
        made.kubectl("create service clusterip nobody --tcp=80")
        for pod in ("friend", "stranger"):
            made.kubectl(f"run {pod} --image=busybox --labels=who={pod} -- sleep 10000")
        made.kubectl("rollout status deployment/web --timeout=60s")
        made.kubectl("wait --for=condition=Ready pod/friend pod/stranger --timeout=60s")
        made.kubectl("apply -f -", stdin=json.dumps(POLICY))
        yield made


def client(k8s: Cluster) -> str:
    """Return the node that may ask the pods, as they are there: the policy lets no other in."""
    return k8s.kubectl("get pods -l app=web -o jsonpath={.items[0].spec.nodeName}")


def is_answered(k8s: Cluster, pod: str, url: str) -> bool:
    return bool(
        k8s.kubectl(f"exec {pod} -- curl -s -m 2 -o /dev/null -w %{{http_code}} {url}", check=False)[:3] == "200"
    )


def test_the_proxies_change_their_mode_and_nobody_is_refused(k8s: Cluster) -> None:
    address, node = k8s.kubectl("get service web -o jsonpath={.spec.clusterIP}"), client(k8s)
    # The pod is Ready as soon as it runs, and listens a moment later.
    eventually("an answer", lambda: k8s.on(node, "curl", "-sf", "-m", "5", f"http://{address}/"))
    with traffic(k8s, node, f"http://{address}/") as answers:
        told = k8s.wherry("proxy", "set-mode", "iptables", "--name", k8s.name)
        assert all(f"{node}: iptables" in told for node in NODES)
        assert "KUBE-SERVICES" in k8s.on(NODES[1], "iptables-save")
        k8s.wherry("proxy", "set-mode", "userspace", "--name", k8s.name)
        assert "wherry-userspace" in k8s.on(NODES[1], "nft", "list", "tables")
        k8s.wherry("proxy", "set-mode", "nftables", "--name", k8s.name)
        assert "wherry-proxy" in k8s.on(NODES[1], "nft", "list", "tables")
    assert set(answers) == {"200"}


@pytest.mark.parametrize(
    ("pod", "url", "answered", "why"),
    [
        ("friend", "http://web", True, "allowed by default/web"),
        ("stranger", "http://web", False, "selected by default/web, and none of that allows it"),
        ("friend", "http://wrong", False, "listens on 8000/TCP"),
        ("friend", "http://nobody", False, "its selector app=nobody is that of no pod in default"),
        ("friend", "http://web:81", False, "Service default/web has no port 81/TCP, it has 80/TCP"),
        ("friend", "http://nowhere", False, "nowhere.default.svc.cluster.local. A: NXDOMAIN"),
    ],
)
def test_what_is_said_of_a_connection_is_what_becomes_of_it(
    k8s: Cluster, pod: str, url: str, answered: bool, why: str
) -> None:
    def traced() -> bool:
        told = k8s.wherry("trace", f"pod/{pod}", url, "--name", k8s.name, check=False)
        assert why in told, told
        return ("\nnot answered: " not in told) is answered

    eventually("the trace", traced)
    eventually("the connection", lambda: is_answered(k8s, pod, url) is answered)


def test_a_connection_from_a_node_and_from_this_machine_is_traced(k8s: Cluster) -> None:
    """The node of the pods may always reach them; another one is nobody to the policy."""
    pods = json.loads(k8s.kubectl("get pods -l app=web -o json"))["items"]
    address, where = pods[0]["status"]["podIP"], pods[0]["spec"]["nodeName"]
    for node in NODES:
        told = k8s.wherry("trace", f"node/{node}", f"{address}:8000", "--name", k8s.name, check=False)
        curl = ("curl", "-s", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", f"http://{address}:8000/")
        answered = k8s.on(node, *curl, check=False).strip() == "200"
        assert (answered, "\nnot answered: " not in told) == (node == where, node == where), told
    assert "only nodes and pods know a way" in k8s.wherry(
        "trace",
        "outside",
        k8s.kubectl("get service web -o jsonpath={.spec.clusterIP}") + ":80",
        "--name",
        k8s.name,
        check=False,
    )


def test_what_goes_to_a_service_is_counted_in_every_mode_that_can(k8s: Cluster) -> None:
    def connections() -> int:
        rows = k8s.wherry("top", "services", "--endpoints", "--name", k8s.name).splitlines()
        return sum(int(row.split()[2]) for row in rows if row.startswith("default/web "))

    for mode in ("iptables", "nftables"):
        k8s.wherry("proxy", "set-mode", mode, "--name", k8s.name)
        before = connections()
        for _ in range(3):
            assert is_answered(k8s, "friend", "http://web")
        assert connections() == before + 3, mode
