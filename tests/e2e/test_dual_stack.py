"""A cluster of both families: every way in by IPv4 and by IPv6, and what separates pods in both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from harness import Cluster, cluster, eventually

from wherry.objects.family import bracketed

pytestmark = pytest.mark.e2e

BIND = "127.0.0.39"
NODES = ("192.168.51.209", "[fd00:51::d1]", "192.168.51.210", "[fd00:51::d2]")
MANIFEST = """
apiVersion: v1
kind: Service
metadata: {name: both}
spec:
  type: LoadBalancer
  ipFamilyPolicy: RequireDualStack
  selector: {app: echo}
  ports:
  - {name: http, port: 80, targetPort: 8080, nodePort: 30390}
---
apiVersion: v1
kind: Service
metadata: {name: heads}
spec:
  clusterIP: None
  ipFamilyPolicy: PreferDualStack
  selector: {app: echo}
  ports: [{port: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: six}
spec:
  ipFamilies: [IPv6]
  selector: {app: echo}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: echo}
spec:
  ingressClassName: nginx
  rules:
  - host: echo.example
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: both, port: {number: 80}}}}]}
"""
DENY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: none}
spec: {podSelector: {matchLabels: {app: echo}}, policyTypes: [Ingress]}
"""


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("dual")
    image_map = str(Path(__file__).with_name("image-map.yaml"))
    with cluster("dual", BIND, home, "--nodes", "2", "--family", "dual", "--image-map", image_map) as made:
        made.kubectl(f"apply -f {Path(__file__).with_name('families.yaml')}")
        made.kubectl("apply -f -", stdin=MANIFEST)
        made.kubectl("rollout status deployment/echo --timeout=60s")
        made.kubectl("wait --for=condition=Ready pod/client pod/host-port --timeout=60s")
        pods = set(made.pods("app=echo", "default"))
        for family in ("-4", "-6"):
            eventually(f"both by {family}", lambda family=family: answering(made, family)[0] == pods)
        yield made


def from_pod(k8s: Cluster, *words: str) -> str:
    return k8s.run(k8s.kubectl_path, "exec", "client", "--", *words)


def answering(k8s: Cluster, family: str) -> tuple[set[str], set[str]]:
    """Ask the Service by its name twenty times; return who answered, and whom they saw."""
    seen = from_pod(k8s, "sh", "-c", f"curl {family} -sS -m5 " + " ".join(["http://both/"] * 20)).splitlines()
    return {line.split()[0] for line in seen}, {line.split()[1] for line in seen}


def starts(k8s: Cluster, node: str, url: str, name: str) -> None:
    """Ask from a node until somebody of that name answers: its proxy may have yet to hear of the Service."""
    eventually(f"{name} at {url}", lambda: k8s.on(node, "curl", "-gsS", "-m5", url).startswith(name))


def test_nodes_pods_and_services_have_addresses_of_both(k8s: Cluster) -> None:
    for node in json.loads(k8s.kubectl("get nodes -o json"))["items"]:
        four, six = (ip_network(cidr) for cidr in node["spec"]["podCIDRs"])
        assert (four.version, six.version) == (4, 6)
        assert len([a for a in node["status"]["addresses"] if a["type"] == "InternalIP"]) == 2
    for pod in json.loads(k8s.kubectl("get pods -l app=echo -o json"))["items"]:
        four, six = (ip_network(one["ip"]) for one in pod["status"]["podIPs"])
        assert (four.version, six.version, len(pod["status"]["hostIPs"])) == (4, 6, 2)
        told = k8s.run(k8s.kubectl_path, "exec", pod["metadata"]["name"], "--", "printenv", "ADDRESSES")
        assert told.strip() == f"{four.network_address},{six.network_address}"
    families = k8s.kubectl("get svc both six heads -o jsonpath={.items[*].spec.ipFamilies}")
    assert families == '["IPv4","IPv6"] ["IPv6"] ["IPv4","IPv6"]'


@pytest.mark.parametrize("family", ["-4", "-6"])
def test_a_pod_reaches_a_service_of_both_by_either(k8s: Cluster, family: str) -> None:
    own = k8s.kubectl("get pod client -o jsonpath={.status.podIPs[*].ip}").split()
    assert answering(k8s, family) == (set(k8s.pods("app=echo", "default")), {own[family == "-6"]})


def test_names_have_the_addresses_of_their_families(k8s: Cluster) -> None:
    def dig(*words: str) -> list[str]:
        return k8s.on("k8s-slave1", "dig", "+short", "+time=3", "@10.96.0.10", *words).split()

    four, six = k8s.kubectl("get svc both -o jsonpath={.spec.clusterIPs[*]}").split()
    assert (dig("A", "both.default.svc.cluster.local"), dig("AAAA", "both.default.svc.cluster.local")) == (
        [four],
        [six],
    )
    assert dig("A", "six.default.svc.cluster.local") == []
    assert dig("-x", six) == dig("-x", four) == ["both.default.svc.cluster.local."]
    pods = json.loads(k8s.kubectl("get pods -l app=echo -o json"))["items"]
    for number, kind in enumerate(("A", "AAAA")):
        wanted = {pod["status"]["podIPs"][number]["ip"] for pod in pods}
        eventually(
            f"{kind} of both",
            lambda: set(dig(kind, "heads.default.svc.cluster.local")) == wanted,  # noqa: B023
        )


@pytest.mark.parametrize("address", NODES)
def test_node_ports_answer_on_every_address_of_every_node(k8s: Cluster, address: str) -> None:
    starts(k8s, "k8s-master", f"http://{address}:30390/", "echo-")


@pytest.mark.parametrize("address", ["192.168.51.64", "[fd00:51::40]"])
def test_a_load_balancer_has_an_address_of_each(k8s: Cluster, address: str) -> None:
    given = "get svc both -o jsonpath={.status.loadBalancer.ingress[*].ip}"
    eventually("the address", lambda: address.strip("[]") in k8s.kubectl(given).split())
    starts(k8s, "k8s-slave1", f"http://{address}/", "echo-")


@pytest.mark.parametrize("address", NODES[2:])
def test_a_host_port_leads_to_its_pod_by_either(k8s: Cluster, address: str) -> None:
    starts(k8s, "k8s-master", f"http://{address}:8099/", "host-port")


@pytest.mark.parametrize("family", [0, 1])
def test_the_ingress_answers_by_either(k8s: Cluster, family: int) -> None:
    """On the node it is on, whichever that is."""
    pods = json.loads(k8s.kubectl("-n wherry-ingress get pods -o json"))["items"]
    address = bracketed(pods[0]["status"]["hostIPs"][family]["ip"])
    curl = ("curl", "-gsS", "-m5", "-H", "Host: echo.example", f"http://{address}/")
    eventually("an answer by Ingress", lambda: k8s.on("k8s-slave1", *curl).startswith("echo-"))


def test_a_service_is_given_a_second_family_and_loses_it_again(k8s: Cluster) -> None:
    def patch(policy: str) -> list[str]:
        k8s.kubectl(f'patch svc six -p {{"spec":{{"ipFamilyPolicy":"{policy}"}}}}')
        return k8s.kubectl("get svc six -o jsonpath={.spec.clusterIPs[*]}").split()

    six, four = patch("PreferDualStack")
    starts(k8s, "k8s-master", f"http://{four}/", "echo-")
    assert patch("SingleStack") == [six]
    assert k8s.on("k8s-master", "curl", "-gsS", "-m5", f"http://[{six}]/").startswith("echo-")


def test_a_network_policy_closes_both(k8s: Cluster) -> None:
    def closed(family: str) -> bool:
        return "closed" in from_pod(k8s, "sh", "-c", f"curl {family} -sS -m2 http://both/ 2>&1 || echo closed")

    for family in ("-4", "-6"):
        eventually("an answer", lambda family=family: not closed(family))
    k8s.kubectl("apply -f -", stdin=DENY)
    eventually("both are closed", lambda: closed("-4") and closed("-6"))
