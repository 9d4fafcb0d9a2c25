"""Services on three nodes: every way to reach one, by address and by name, with real traffic."""

from __future__ import annotations

import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Cluster, cluster, eventually

pytestmark = pytest.mark.e2e

BIND = "127.0.0.63"
NODES = {"k8s-master": "192.168.51.209", "k8s-slave1": "192.168.51.210", "k8s-slave2": "192.168.51.211"}
SLAVES = ("k8s-slave1", "k8s-slave2")
MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: echo}
spec:
  replicas: 3
  selector: {matchLabels: {app: echo}}
  template:
    metadata: {labels: {app: echo}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: echo
        image: test/echo
        readinessProbe: {httpGet: {path: /ready, port: 8080}, periodSeconds: 1, timeoutSeconds: 10, failureThreshold: 1}
---
apiVersion: v1
kind: Service
metadata: {name: echo}
spec:
  type: NodePort
  selector: {app: echo}
  ports:
  - {name: http, port: 80, targetPort: 8080, nodePort: 30180}
  - {name: ask, port: 53, targetPort: 8081, nodePort: 30181, protocol: UDP}
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
apiVersion: v1
kind: Service
metadata: {name: elsewhere}
spec: {type: ExternalName, externalName: echo.default.svc.cluster.local}
---
apiVersion: v1
kind: Service
metadata: {name: nobody}
spec:
  type: NodePort
  selector: {app: nobody}
  ports: [{port: 80, nodePort: 30190}]
---
apiVersion: v1
kind: Service
metadata: {name: local}
spec:
  type: NodePort
  externalTrafficPolicy: Local
  selector: {app: local}
  ports: [{port: 80, targetPort: 8080, nodePort: 30182}]
---
apiVersion: v1
kind: Pod
metadata: {name: local, labels: {app: local}}
spec:
  nodeName: k8s-slave1
  terminationGracePeriodSeconds: 1
  containers: [{name: echo, image: test/echo}]
---
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: kube-public}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: shell, image: test/shell}]
"""


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("services")
    image_map = str(Path(__file__).with_name("image-map.yaml"))
    with cluster("services", BIND, home, "--nodes", "3", "--addons", "dns", "--image-map", image_map) as made:
        made.kubectl("apply -f -", stdin=MANIFEST)
        made.kubectl("rollout status deployment/echo --timeout=60s")
        made.kubectl("wait --for=condition=Ready pod/local --timeout=60s")
        made.kubectl("-n kube-public wait --for=condition=Ready pod/client --timeout=60s")
        pods, ip = set(made.pods("app=echo", "default")), cluster_ip(made, "echo")
        for node in NODES:
            eventually(f"three answers on {node}", lambda node=node: set(ask(made, node, ip, 60)) == pods)
        yield made


def cluster_ip(k8s: Cluster, name: str) -> str:
    return k8s.kubectl(f"get svc {name} -o jsonpath={{.spec.clusterIP}}")


def ask(k8s: Cluster, node: str, target: str, times: int) -> Counter[str]:
    """Ask over HTTP from a node, with a connection each, and count who answered."""
    output = k8s.on(node, "curl", "-sS", "-m5", *[f"http://{target}/"] * times)
    return Counter(line.split()[0] for line in output.splitlines())


def ask_from_pod(k8s: Cluster, pod: str, target: str, times: int = 1, namespace: str = "default") -> Counter[str]:
    """Ask over HTTP from a pod, with a connection each, and count who answered."""
    urls = " ".join([f"http://{target}/"] * times)
    output = k8s.kubectl(f"-n {namespace} exec {pod} -- curl -sS -m5 {urls}")
    return Counter(line.split()[0] for line in output.splitlines())


def dig(k8s: Cluster, *query: str) -> list[str]:
    """Ask kube-dns from a pod; returns the answers, sorted."""
    return sorted(k8s.kubectl(f"-n kube-public exec client -- dig +short +timeout=3 {' '.join(query)}").splitlines())


def refusal(k8s: Cluster, node: str, target: str) -> float:
    """Return how long it took until a connection was refused."""
    start = time.monotonic()
    output = k8s.on(node, "curl", "-sS", "-m5", f"http://{target}/", check=False)
    assert "Couldn't connect" in output, output
    took = re.search(r"after (\d+) ms", output)
    assert took, output
    return min(time.monotonic() - start, int(took[1]) / 1000)


AT_ONCE = 2.5
"""Seconds: far from the five after which curl gives up, on a machine with other work."""


@pytest.mark.parametrize("node", NODES)
def test_a_cluster_ip_answers_on_every_node_from_every_endpoint(k8s: Cluster, node: str) -> None:
    counted = ask(k8s, node, cluster_ip(k8s, "echo"), 60)
    assert counted.keys() == set(k8s.pods("app=echo", "default"))
    assert counted.total() == 60
    assert min(counted.values()) >= 6, counted  # expected 20 each; below 6 has a chance of less than one in 10000


def test_a_cluster_ip_answers_in_pods_those_behind_it_included(k8s: Cluster) -> None:
    """Every pod gets answers from every pod: also from itself, through the Service (hairpin)."""
    pods = k8s.pods("app=echo", "default")
    for pod in pods:
        assert ask_from_pod(k8s, pod, "echo", 60).keys() == set(pods)


DATAGRAMS = """
import socket, sys
asking = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(40)]
for one in asking:
    one.settimeout(20)
    one.connect((sys.argv[1], int(sys.argv[2])))
    one.send(b"hi")
for one in asking:
    print(one.recv(99).decode().strip())
"""


@pytest.mark.parametrize("address", [*NODES.values(), "the host"])
def test_a_node_port_answers_at_every_address_over_tcp_and_udp(k8s: Cluster, address: str) -> None:
    pods = set(k8s.pods("app=echo", "default"))
    target = BIND if address == "the host" else address
    curl, udp = ["curl", "-sS", "-m5", *[f"http://{target}:30180/"] * 60], ["python3", "-c", DATAGRAMS, target, "30181"]
    run = k8s.run if address == "the host" else lambda *command: k8s.on("k8s-slave2", *command)
    # Every pod, of which each answers one in three.
    eventually("all by TCP", lambda: {line.split()[0] for line in run(*curl).splitlines()} == pods)
    answers = [line.split()[0] for line in run(*udp).splitlines()]
    assert len(answers) == 40
    assert set(answers) == pods


def test_a_client_sticks_to_its_endpoint_with_session_affinity(k8s: Cluster) -> None:
    ip = cluster_ip(k8s, "sticky")
    assert len(ask(k8s, "k8s-slave1", ip, 15)) == 1
    pods = [k8s.pods("app=echo", "default")[0]]
    assert len(ask_from_pod(k8s, pods[0], ip, 15)) == 1


def test_a_pod_that_is_not_ready_gets_no_new_connections_until_it_is_again(k8s: Cluster) -> None:
    ip = cluster_ip(k8s, "echo")
    first, *others = k8s.pods("app=echo", "default")
    k8s.kubectl(f"exec {first} -- touch /tmp/unready")
    k8s.kubectl(f"wait --for=condition=Ready=false pod/{first} --timeout=60s")
    for node in NODES:
        eventually(f"the rest alone on {node}", lambda node=node: ask(k8s, node, ip, 30).keys() == set(others))
    k8s.kubectl(f"exec {first} -- rm /tmp/unready")
    for node in NODES:
        eventually(f"all again on {node}", lambda node=node: ask(k8s, node, ip, 60).keys() == {first, *others})


@pytest.mark.parametrize("node", NODES)
def test_without_endpoints_a_connection_is_refused_at_once(k8s: Cluster, node: str) -> None:
    assert refusal(k8s, node, cluster_ip(k8s, "nobody")) < AT_ONCE
    assert refusal(k8s, node, f"{NODES['k8s-slave2']}:30190") < AT_ONCE


def test_without_endpoints_a_connection_from_a_pod_is_refused_at_once(k8s: Cluster) -> None:
    output = k8s.kubectl("-n kube-public exec client -- curl -sS -m5 http://nobody.default/", check=False)
    took = re.search(r"after (\d+) ms: Couldn't connect", output)
    assert took, output
    assert int(took[1]) / 1000 < AT_ONCE  # the resolver included


def test_the_local_policy_keeps_the_clients_address_and_other_nodes_do_not_answer(k8s: Cluster) -> None:
    there, elsewhere = NODES["k8s-slave1"], NODES["k8s-slave2"]
    curl = ("curl", "-sS", "-m5", f"http://{there}:30182/")
    eventually("the pod's answer", lambda: k8s.on("k8s-master", *curl) == f"local {NODES['k8s-master']}\n")
    dropped = k8s.on("k8s-master", "curl", "-sS", "-m1", f"http://{elsewhere}:30182/", check=False)
    assert "timed out" in dropped
    # The Service's own address is cluster-wide all the same.
    assert ask(k8s, "k8s-slave2", cluster_ip(k8s, "local"), 1) == Counter({"local": 1})


def test_names_of_services_in_pods(k8s: Cluster) -> None:
    ip = cluster_ip(k8s, "echo")
    # The search path is walked for it at once (autopath): the answer begins with a CNAME to the name that is there.
    assert dig(k8s, "+search", "echo.default") == [ip, "echo.default.svc.cluster.local."]
    assert dig(k8s, "echo.default.svc.cluster.local") == dig(k8s, "+tcp", "echo.default.svc.cluster.local") == [ip]
    assert dig(k8s, "echo.kube-public.svc.cluster.local") == []
    pod = k8s.pods("app=echo", "default")[0]
    for name in ("echo", "echo.default", "echo.default.svc", "echo.default.svc.cluster.local"):
        assert ask_from_pod(k8s, pod, name).total() == 1


def test_pointers_and_service_records(k8s: Cluster) -> None:
    ip = cluster_ip(k8s, "echo")
    assert dig(k8s, "-x", ip) == ["echo.default.svc.cluster.local."]
    assert dig(k8s, "SRV", "_http._tcp.echo.default.svc.cluster.local") == ["0 100 80 echo.default.svc.cluster.local."]
    assert dig(k8s, "SRV", "_ask._udp.echo.default.svc.cluster.local") == ["0 100 53 echo.default.svc.cluster.local."]


def test_a_headless_service_is_its_pods(k8s: Cluster) -> None:
    template = "-o jsonpath={.items[*].status.podIP}"
    addresses = sorted(k8s.kubectl(f"get pods -l app=echo {template}").split())
    assert dig(k8s, "headless.default.svc.cluster.local") == addresses
    records = dig(k8s, "SRV", "_http._tcp.headless.default.svc.cluster.local")
    assert [r.split()[2] for r in records] == ["8080"] * 3
    assert sorted(r.split()[3].split(".")[0].replace("-", ".") for r in records) == addresses


@pytest.mark.parametrize(
    "named", ["echo:http", "echo:80", "http:echo:http", "headless:http", "headless:8080", "sticky"]
)
def test_the_apis_proxy_reaches_a_service_from_every_endpoint(k8s: Cluster, named: str) -> None:
    pods, answered = set(k8s.pods("app=echo", "default")), set()
    for _ in range(60):  # one is still missing after as many with a chance of less than one in a thousand million
        answered.add(k8s.kubectl(f"get --raw /api/v1/namespaces/default/services/{named}/proxy/").split()[0])
        if answered == pods:
            return
    raise AssertionError(f"{answered} of {pods}")


def test_the_apis_proxy_reaches_pods_and_nodes_and_says_why_not(k8s: Cluster) -> None:
    assert k8s.kubectl("get --raw /api/v1/namespaces/default/pods/local:8080/proxy/").split()[0] == "local"
    for node in NODES:
        assert k8s.kubectl(f"get --raw /api/v1/nodes/{node}/proxy/healthz") == "ok"
        assert "kubelet.log" in k8s.kubectl(f"get --raw /api/v1/nodes/{node}/proxy/logs/")
        assert "node registered" in k8s.kubectl(f"get --raw /api/v1/nodes/{node}/proxy/logs/?query=kubelet")
    refused = k8s.kubectl("get --raw /api/v1/namespaces/default/services/nobody/proxy/", check=False)
    assert 'no endpoints available for service "nobody"' in refused
    refused = k8s.kubectl("get --raw /api/v1/namespaces/default/pods/local:9/proxy/", check=False)
    assert "error trying to reach service: dial tcp 10.244." in refused
    assert "connection refused" in refused
    assert "/api/v1/namespaces/kube-system/services/kube-dns:dns/proxy" in k8s.kubectl("cluster-info")


def test_kubectl_proxy_is_a_way_to_a_service(k8s: Cluster) -> None:
    """The browser's way: a path without its slash is led to one with, and answers come through."""
    command = [k8s.kubectl_path, "proxy", "--address", BIND, "--accept-hosts", ".*", "--port", "8901"]
    process = subprocess.Popen(command, env=k8s.environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert "Starting to serve" in process.stdout.readline()
        url = f"http://{BIND}:8901/api/v1/namespaces/default/services/echo:http/proxy"
        assert k8s.run("curl", "-sSL", "-m5", url).split()[0] in k8s.pods("app=echo", "default")
        head = k8s.run("curl", "-sS", "-m5", "-H", "X-Mine: 1", f"{url}/headers")
        assert "X-Mine: 1" in head
        assert "X-Forwarded-Uri: /api/v1/namespaces/default/services/echo:http/proxy/headers" in head
    finally:
        process.terminate()
        process.wait(60)


def test_an_external_name_is_an_alias(k8s: Cluster) -> None:
    assert cluster_ip(k8s, "echo") in dig(k8s, "elsewhere.default.svc.cluster.local")
    assert dig(k8s, "elsewhere.default.svc.cluster.local", "CNAME") == ["echo.default.svc.cluster.local."]
    assert k8s.kubectl("get svc elsewhere").splitlines()[1].split()[1:5] == [
        "ExternalName", "<none>", "echo.default.svc.cluster.local", "<none>",
    ]  # fmt: skip


def test_an_address_of_another_range_is_served(k8s: Cluster) -> None:
    """A ServiceCIDR extends the allocation; the Service's IPAddress says who has the address, and goes with it."""
    more = (
        "apiVersion: networking.k8s.io/v1\nkind: ServiceCIDR\nmetadata: {name: more}\nspec: {cidrs: [203.0.113.0/24]}\n"
    )
    k8s.kubectl("apply -f -", stdin=more)
    k8s.kubectl("wait --for=condition=Ready servicecidr/more --timeout=60s")
    spec = "{clusterIP: 203.0.113.9, selector: {app: echo}, ports: [{port: 80, targetPort: 8080}]}"
    k8s.kubectl("apply -f -", stdin=f"apiVersion: v1\nkind: Service\nmetadata: {{name: far}}\nspec: {spec}\n")
    owned = ["203.0.113.9", "services/default/far"]
    eventually("its address", lambda: k8s.kubectl("get ip 203.0.113.9").splitlines()[-1].split() == owned)
    eventually("all answers", lambda: len(ask(k8s, "k8s-slave2", "203.0.113.9", 30)) == 3)
    eventually("its name", lambda: dig(k8s, "far.default.svc.cluster.local") == ["203.0.113.9"])
    k8s.kubectl("delete service far")
    eventually("its address goes", lambda: "203.0.113.9" not in k8s.kubectl("get ip"))
    assert 'servicecidr.networking.k8s.io "more" deleted' in k8s.kubectl("delete servicecidr more")


def test_endpoints_follow_scaling_and_a_deleted_service_is_gone(k8s: Cluster) -> None:
    ip = cluster_ip(k8s, "echo")
    k8s.kubectl("scale deployment echo --replicas=1")
    eventually("one pod", lambda: len(k8s.pods("app=echo", "default")) == 1)
    (left,) = k8s.pods("app=echo", "default")
    eventually("one answer", lambda: ask(k8s, "k8s-slave2", ip, 20).keys() == {left})
    k8s.kubectl("delete service echo")
    eventually("its end", lambda: refusal(k8s, "k8s-slave2", f"{NODES['k8s-slave2']}:30180") < AT_ONCE)
    eventually("its name's end", lambda: dig(k8s, "echo.default.svc.cluster.local") == [])
