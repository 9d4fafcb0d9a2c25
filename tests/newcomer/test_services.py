"""The machine's side of Services: every way in works from the machine itself, at the first try, or says why not."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from harness import TOP, Cluster, cluster, eventually

pytestmark = pytest.mark.e2e

NAME, BIND = "services", "127.0.0.74"
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: test/echo}]}}
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: %s}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080%s}], %s}
"""
OTHERS = '{"spec":{"loadBalancerSourceRanges":["10.0.0.0/8"]}}'


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    options = ("--nodes", "2", "--addons", "none", "--image-map", str(TOP / "tests" / "e2e" / "image-map.yaml"))
    with cluster(NAME, BIND, tmp_path_factory.mktemp(NAME), *options) as made:
        made.kubectl("create -f -", stdin=WEB)
        made.kubectl("rollout status deployment/web --timeout=60s")
        yield made


def create(k8s: Cluster, name: str, spec: str, port: str = "") -> None:
    k8s.kubectl("create -f -", stdin=SERVICE % (name, port, spec))


def answers(k8s: Cluster, address: str) -> bool:
    said = k8s.run("curl", "-s", "-m", "5", f"http://{address}/", check=False)
    return "web-" in said


def test_a_local_node_port_answers_though_its_pod_is_on_another_node(k8s: Cluster) -> None:
    create(k8s, "local", "type: NodePort, externalTrafficPolicy: Local", ", nodePort: 30090")
    eventually("the node port", lambda: answers(k8s, f"{BIND}:30090"))


def test_the_first_connection_to_a_new_node_port_is_answered(k8s: Cluster) -> None:
    for number in range(30100, 30105):
        create(k8s, f"first-{number}", "type: NodePort", f", nodePort: {number}")
        said = eventually("the listener", lambda number=number: first_words(number))
        assert str(said).startswith("HTTP/1.1 200"), "the first connection was dropped"


def refuses(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), 5).close()
    except ConnectionRefusedError:
        return True
    return False


def first_words(number: int) -> str:
    """Return what who listens there answers; "" where nobody does yet."""
    try:
        with socket.create_connection((BIND, number), 20) as made:
            made.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return made.recv(100).decode() or "nothing"
    except ConnectionRefusedError:
        return ""


def test_a_taken_port_is_told_and_had_once_it_is_free(k8s: Cluster) -> None:
    with socket.create_server((BIND, 30081)):
        create(k8s, "taken", "type: NodePort", ", nodePort: 30081")
        told = f"Service default/taken cannot have {BIND} port 30081/TCP of this machine (address already in use)"
        eventually("the event", lambda: told in k8s.kubectl("describe service taken"))
        assert told in k8s.wherry("status", "--name", NAME)
    eventually("the node port", lambda: answers(k8s, f"{BIND}:30081"))
    eventually("nothing to tell", lambda: "cannot have" not in k8s.wherry("status", "--name", NAME))


def test_a_load_balancer_is_never_pending_and_is_reached_from_the_machine_and_the_cluster(k8s: Cluster) -> None:
    create(k8s, "balanced", "type: LoadBalancer")
    row = str(eventually("the address", lambda: "192.168.51." in (r := k8s.kubectl("get service balanced")) and r, 10))
    assert "192.168.51.64" in row
    assert "<pending>" not in row
    eventually("from the machine", lambda: answers(k8s, "127.74.51.64"))
    curl = ("curl", "-s", "-m", "5", "http://192.168.51.64/")
    eventually("from the cluster", lambda: "web-" in k8s.on("k8s-master", *curl))
    eventually("the event", lambda: "127.74.51.64 port 80/TCP" in k8s.kubectl("describe service balanced"))


def test_a_local_load_balancer_is_reached_though_its_pod_is_on_another_node(k8s: Cluster) -> None:
    create(k8s, "local-balanced", "type: LoadBalancer, externalTrafficPolicy: Local")
    eventually("from the machine", lambda: answers(k8s, "127.74.51.65"))


def test_one_of_another_class_waits_for_that(k8s: Cluster) -> None:
    create(k8s, "other", "type: LoadBalancer, loadBalancerClass: example.com/other")
    create(k8s, "next", "type: LoadBalancer")
    eventually("the next one's", lambda: "192.168.51.66" in k8s.kubectl("get service next"))
    assert "<pending>" in k8s.kubectl("get service other")


@pytest.mark.parametrize("policy", ["Local", "Cluster"])
def test_a_load_balancers_source_ranges_hold_for_the_machine_too(k8s: Cluster, policy: str) -> None:
    name = f"ranged-{policy.lower()}"
    ranges = "loadBalancerSourceRanges: [192.168.51.1/32]"
    create(k8s, name, f"type: LoadBalancer, externalTrafficPolicy: {policy}, {ranges}")
    template = "jsonpath={.status.loadBalancer.ingress[0].ip}"
    ip = str(eventually("the address", lambda: k8s.kubectl(f"get service {name} -o {template}"), 10))
    here = ip.replace("192.168", "127.74")
    eventually("from the machine", lambda: answers(k8s, here))
    k8s.kubectl(f"patch service {name} -p {OTHERS}")
    eventually("nobody there", lambda: refuses(here, 80))
