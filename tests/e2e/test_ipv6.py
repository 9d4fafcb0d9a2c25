"""A cluster of IPv6 alone: its pods, Services, names, node ports, host ports and ingress, with real traffic."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from harness import Cluster, cluster, eventually

pytestmark = pytest.mark.e2e

BIND = "127.0.0.38"
NODES = {"k8s-master": "fd00:51::d1", "k8s-slave1": "fd00:51::d2"}
RANGES = ("--node-cidr", "fd00:51::/64", "--pod-cidr", "fd00:244::/56", "--service-cidr", "fd00:96::/108")
MANIFEST = """
apiVersion: v1
kind: Service
metadata: {name: echo}
spec:
  type: NodePort
  selector: {app: echo}
  ports:
  - {name: http, port: 80, targetPort: 8080, nodePort: 30380}
  - {name: ask, port: 53, targetPort: 8081, nodePort: 30381, protocol: UDP}
---
apiVersion: v1
kind: Service
metadata: {name: sticky}
spec:
  selector: {app: echo}
  sessionAffinity: ClientIP
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: headless}
spec:
  clusterIP: None
  selector: {app: echo}
  ports: [{name: http, port: 8080}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: echo}
spec:
  ingressClassName: nginx
  rules:
  - host: echo.example
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
"""


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("six")
    image_map = str(Path(__file__).with_name("image-map.yaml"))
    with cluster("six", BIND, home, "--nodes", "2", *RANGES, "--image-map", image_map) as made:
        made.kubectl(f"apply -f {Path(__file__).with_name('families.yaml')}")
        made.kubectl("apply -f -", stdin=MANIFEST)
        made.kubectl("rollout status deployment/echo --timeout=60s")
        made.kubectl("wait --for=condition=Ready pod/client pod/host-port --timeout=60s")
        target = f"[{cluster_ip(made, 'echo')}]"
        for node in NODES:
            eventually(f"two answers on {node}", lambda node=node: len(ask(made, node, target, 20)) == 2)
        yield made


def cluster_ip(k8s: Cluster, name: str) -> str:
    return k8s.kubectl(f"get svc {name} -o jsonpath={{.spec.clusterIP}}")


def ask(k8s: Cluster, node: str, target: str, times: int) -> Counter[str]:
    """Ask over HTTP from a node, with a connection each, and count who answered."""
    output = k8s.on(node, "curl", "-gsS", "-m5", *[f"http://{target}/"] * times)
    return Counter(line.split()[0] for line in output.splitlines())


def test_everything_has_addresses_of_its_range_and_no_other(k8s: Cluster) -> None:
    nodes = json.loads(k8s.kubectl("get nodes -o json"))["items"]
    for node in nodes:
        assert {a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP"} == {
            NODES[node["metadata"]["name"]]
        }
        assert ip_network(node["spec"]["podCIDR"]).subnet_of(ip_network("fd00:244::/56"))  # type: ignore[arg-type]
    for pod in json.loads(k8s.kubectl("get pods -l app=echo -o json"))["items"]:
        assert [ip_address(a["ip"]) in ip_network("fd00:244::/56") for a in pod["status"]["podIPs"]] == [True]
        assert pod["status"]["hostIPs"][0]["ip"] in NODES.values()
    service = json.loads(k8s.kubectl("get svc echo -o json"))["spec"]
    assert service["ipFamilies"] == ["IPv6"]
    assert ip_address(service["clusterIP"]) in ip_network("fd00:96::/108")


def test_a_pod_reaches_a_service_by_name_on_both_nodes(k8s: Cluster) -> None:
    words = " ".join(["http://echo/"] * 20)
    output = k8s.run(k8s.kubectl_path, "exec", "client", "--", "sh", "-c", f"curl -sS -m5 {words}")
    seen = {line.split()[0] for line in output.splitlines()}
    assert seen == set(k8s.pods("app=echo", "default"))
    own = k8s.kubectl("get pod client -o jsonpath={.status.podIP}")
    assert {line.split()[1] for line in output.splitlines()} == {own}


def test_names_have_ipv6_addresses_only_and_addresses_their_names(k8s: Cluster) -> None:
    address = cluster_ip(k8s, "echo")

    def dig(*words: str) -> list[str]:
        return k8s.on("k8s-slave1", "dig", "+short", "+time=3", "@fd00:96::a", *words).split()

    assert dig("AAAA", "echo.default.svc.cluster.local") == [address]
    assert dig("A", "echo.default.svc.cluster.local") == []
    assert dig("-x", address) == ["echo.default.svc.cluster.local."]
    pods = json.loads(k8s.kubectl("get pods -l app=echo -o json"))["items"]
    wanted = {p["status"]["podIP"] for p in pods}
    eventually("both", lambda: set(dig("AAAA", "headless.default.svc.cluster.local")) == wanted)


def test_node_ports_answer_on_every_node_and_on_the_hosts_loopback(k8s: Cluster) -> None:
    for address in NODES.values():
        target = f"[{address}]:30380"
        eventually(f"both at {target}", lambda target=target: len(ask(k8s, "k8s-master", target, 20)) == 2)
    pods, curl = k8s.pods("app=echo", "default"), ("curl", "-sS", "-m5", f"http://{BIND}:30380/")
    eventually("an answer on the host", lambda: k8s.run(*curl).split()[0] in pods)
    asked = (
        "import socket; s = socket.socket(type=2); s.settimeout(5); s.sendto(b'?', ('%s', 30381)); print(s.recv(99))"
    )
    eventually("an answer by UDP", lambda: "echo-" in k8s.run("python3", "-c", asked % BIND))


def test_a_client_stays_with_its_endpoint(k8s: Cluster) -> None:
    assert len(ask(k8s, "k8s-slave1", f"[{cluster_ip(k8s, 'sticky')}]", 15)) == 1


def test_a_host_port_leads_to_its_pod(k8s: Cluster) -> None:
    target = f"[{NODES['k8s-slave1']}]:8099"
    eventually("its answers", lambda: ask(k8s, "k8s-master", target, 2) == {"host-port": 2})


def test_the_ingress_answers_on_the_host(k8s: Cluster) -> None:
    curl = ("curl", "-sS", "-m5", "-H", "Host: echo.example", f"http://{BIND}:8080/")
    eventually("an answer by Ingress", lambda: k8s.run(*curl).startswith("echo-"))


POLICY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: echo}
spec:
  podSelector: {matchLabels: {app: echo}}
  ingress: [{from: [{podSelector: {matchLabels: {access: "yes"}}}], ports: [{port: 8080}]}]
"""


def test_a_network_policy_is_kept(k8s: Cluster) -> None:
    def answers() -> int:
        script = "for i in 1 2 3 4 5 6; do curl -s -m 2 http://echo/; done; true"
        said = k8s.run(k8s.kubectl_path, "exec", "client", "--", "sh", "-c", script)
        return len(said.splitlines())

    k8s.kubectl("apply -f -", stdin=POLICY)
    try:
        eventually("nobody is let in", lambda: answers() == 0)
        k8s.kubectl("label pod client access=yes")
        eventually("who is labelled is let in", lambda: answers() == 6)
    finally:
        k8s.kubectl("delete networkpolicy echo")


def test_logs_come_from_both_nodes(k8s: Cluster) -> None:
    for pod in k8s.pods("app=echo", "default"):
        assert f"serving {pod}" in k8s.kubectl(f"logs {pod}")
