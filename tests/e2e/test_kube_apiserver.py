"""wherry's components on Kubernetes' own kube-apiserver and etcd, with the rights and tokens README tells how to give.

All of it is on one node of the packet tests' world: what is asked are packets, questions and requests, from pods and a
machine on the LAN.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import pytest
from harness import eventually

from tests.docs.test_readme import the_block
from tests.e2e.realsite import Site, site
from tests.ingress.world import needs_nginx
from tests.networkpolicy.build import labelled, policy
from tests.proxy.build import NODE_ADDRESS, PODS, endpoint, endpoint_slice, node
from tests.proxy.cases import NODE_PORT
from tests.proxy.outcome import DROP, PASS, Outcome, masqueraded_to, to
from wherry.objects import Object

pytestmark = [pytest.mark.e2e, pytest.mark.go]

HTTP_PORT = 8000
WEB: Object = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"namespace": "demo", "name": "web"},
    "spec": {"type": "NodePort", "ports": [{"port": 80, "targetPort": 8080, "nodePort": NODE_PORT}]},
}
SITE: Object = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"namespace": "demo", "name": "site"},
    "spec": {"clusterIP": "None", "ports": [{"name": "http", "port": 80, "targetPort": HTTP_PORT}]},
}


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("real")) as made:
        made.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "demo"}}, node(), WEB, SITE)
        leads_to(made, "p1")
        made.apply(slice_of_site("p3"))
        (made.home / "index.html").write_text("ahoy\n")
        made.start("backend", sys.executable, "-m", "http.server", str(HTTP_PORT), at="p3")
        yield made


def leads_to(k8s: Site, pod: str) -> None:
    """Have the Service `web` lead to a pod."""
    k8s.apply(endpoint_slice([endpoint(pod)]))


def slice_of_site(*pods: str) -> Object:
    ports = [{"name": "http", "port": HTTP_PORT, "protocol": "TCP"}]
    return {**endpoint_slice([endpoint(pod) for pod in pods], service="site", name="site-1"), "ports": ports}


def at(pod: str) -> Object:
    """Return what a pod's status says of its address."""
    return {"podIP": PODS[pod], "podIPs": [{"ip": PODS[pod]}]}


def rule(host: str) -> Object:
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "site", "port": {"number": 80}}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"namespace": "demo", "name": host},
        "spec": {"ingressClassName": "nginx", "rules": [{"host": host, "http": {"paths": [path]}}]},
    }


def cluster_ip(k8s: Site) -> str:
    return k8s.kubectl("-n demo get service web -o jsonpath={.spec.clusterIP}")


def ask(k8s: Site, name: str) -> list[str]:
    """Return the addresses a pod is told for a name."""
    query = dns.message.make_query(name, "A")
    try:
        answer = k8s.at("p1", lambda: dns.query.udp(query, NODE_ADDRESS, timeout=2))
    except (OSError, dns.exception.DNSException):
        return ["no answer"]
    return sorted(record.to_text() for found in answer.answer for record in found)


def page(k8s: Site, host: str) -> str:
    """Return the status and text a machine on the LAN gets for a host of the Ingress."""
    words = ("curl", "-s", "-m", "5", "-w", "%{http_code}", "-H", f"Host: {host}", f"http://{NODE_ADDRESS}")
    return k8s.run(*words, at="client")


def reached(k8s: Site, address: str, port: int, outcome: Outcome, source: str = "p1") -> None:
    eventually(f"{outcome}\n{k8s.logs()}", lambda: k8s.world.send(source, address, port) == outcome)


def test_a_cluster_ip_and_a_node_port_are_reached(k8s: Site) -> None:
    k8s.wherry("proxy", "--kubeconfig=kube-proxy.conf", "--hostname-override=n1", "--cluster-cidr=10.244.0.0/16")
    address = cluster_ip(k8s)
    reached(k8s, address, 80, masqueraded_to("p1"))
    leads_to(k8s, "p2")
    reached(k8s, address, 80, to("p2"))
    reached(k8s, NODE_ADDRESS, NODE_PORT, masqueraded_to("p2"), "client")
    assert address in k8s.run("wherry", "proxy", "plan", "--kubeconfig=kube-proxy.conf", "--node=n1")


def test_names_are_answered(k8s: Site) -> None:
    (k8s.home / "Corefile").write_text(the_block("corefile"))
    k8s.wherry("dns", "--kubeconfig=coredns.conf", "--conf=Corefile", f"--bind={NODE_ADDRESS}")
    address = cluster_ip(k8s)
    eventually("the Service's name", lambda: ask(k8s, "web.demo.svc.cluster.local") == [address])
    assert ask(k8s, "kubernetes.default.svc.cluster.local") == ["10.96.0.1"]
    assert ask(k8s, "site.demo.svc.cluster.local") == [PODS["p3"]]
    k8s.apply(slice_of_site("p3", "p1"))
    query = ("wherry", "dns", "query", "web", "--namespace=demo", "--kubeconfig=coredns.conf", "--conf=Corefile")
    assert address in k8s.run(*query)
    eventually("one more", lambda: ask(k8s, "site.demo.svc.cluster.local") == sorted([PODS["p1"], PODS["p3"]]))
    k8s.apply(slice_of_site("p3"))


@needs_nginx
def test_the_ingress_answers_and_writes_its_address(k8s: Site) -> None:
    own = ("--configmap=wherry-ingress/nginx-configuration", f"--publish-status-address={NODE_ADDRESS}")
    where = f"--nginx-dir={k8s.home / 'nginx'}"
    k8s.wherry("ingress", "--kubeconfig=nginx-ingress-serviceaccount.conf", *own, where)
    k8s.apply(rule("site.test"))
    eventually("the page", lambda: page(k8s, "site.test") == "ahoy\n200")
    render = ("wherry", "ingress", "render", "--kubeconfig=nginx-ingress-serviceaccount.conf")
    assert 'server_name "site.test"' in k8s.run(*render)
    shown = "-n demo get ingress site.test -o jsonpath={.status.loadBalancer.ingress[*].ip}"
    eventually("the Ingress' address", lambda: k8s.kubectl(shown) == NODE_ADDRESS)


def test_policies_are_enforced(k8s: Site) -> None:
    k8s.kubectl("-n demo create serviceaccount default")
    for name in ("p1", "p2", "p3"):
        spec = {"nodeName": "n1", "containers": [{"name": "c", "image": "none"}]}
        meta = {"namespace": "demo", "name": name, "labels": {"pod": name}}
        k8s.apply({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
        k8s.patch_status(f"-n demo pod {name}", {"phase": "Running", **at(name)})
    k8s.apply(policy(pods=labelled(pod="p1"), ingress=[{"from": [{"podSelector": labelled(pod="p2")}]}]))
    k8s.wherry("networkpolicy", "--kubeconfig=networkpolicy.conf", "--hostname-override=n1", "--port=10261")
    reached(k8s, PODS["p1"], 8080, DROP, "p3")
    reached(k8s, PODS["p1"], 8080, PASS, "p2")
    shown = k8s.run("wherry", "networkpolicy", "plan", "--kubeconfig=networkpolicy.conf", "--node=n1")
    assert PODS["p1"] in shown
    assert k8s.refused() == []


def test_all_of_it_goes_on_without_the_server_and_follows_it_when_it_is_back(k8s: Site) -> None:
    k8s.server.kill()
    (address,) = ask(k8s, "web.demo.svc.cluster.local")
    assert k8s.world.send("p1", address, 80) == to("p2")
    assert page(k8s, "site.test") == "ahoy\n200"
    k8s.at("host", k8s.server.start)
    leads_to(k8s, "p3")
    k8s.apply({**SITE, "metadata": {"namespace": "demo", "name": "later"}}, rule("later.test"))
    reached(k8s, address, 80, to("p3"))
    eventually("the page of the new rule", lambda: page(k8s, "later.test") == "ahoy\n200")
    assert k8s.refused() == []


def test_who_slept_through_the_servers_memory_of_changes_reads_everything_anew(k8s: Site) -> None:
    """Stopped over two ends of the server and what changed between them, they ask from a version nobody keeps."""
    before = json.loads(k8s.kubectl("get --raw /api/v1/services"))["metadata"]["resourceVersion"]
    address = cluster_ip(k8s)
    k8s.signal(signal.SIGSTOP)
    k8s.restart_server()
    leads_to(k8s, "p2")
    k8s.kubectl("-n demo delete ingress/later.test service/later networkpolicy/web")
    k8s.apply({**SITE, "metadata": {"namespace": "demo", "name": "missed"}, "spec": {"ports": [{"port": 80}]}})
    k8s.restart_server()
    gone = k8s.kubectl(f"get --raw /api/v1/services?watch=1&timeoutSeconds=1&resourceVersion={before}")
    assert json.loads(gone)["object"]["code"] == 410
    k8s.signal(signal.SIGCONT)
    reached(k8s, address, 80, to("p2"))
    reached(k8s, PODS["p1"], 8080, PASS, "p3")
    eventually("what was missed", lambda: ask(k8s, "missed.demo.svc.cluster.local") not in ([], ["no answer"]))
    eventually("the rule is gone", lambda: page(k8s, "later.test").endswith("404"))
    assert page(k8s, "site.test") == "ahoy\n200"
    assert k8s.refused() == []


def test_controllers_and_the_scheduler_do_their_work_there(k8s: Site) -> None:
    """As an administrator, as they have no manifest of their own. Their slices are what the proxy follows."""
    place = k8s.server.directory
    program = str(Path(__file__).with_name("realcontrollers.py"))
    k8s.start("controllers", sys.executable, program, str(place / "admin.conf"), str(place / "ca.crt"))
    room = {"cpu": "4", "memory": "8Gi", "pods": "110"}
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    k8s.patch_status("node n1", {**ready, "capacity": room, "allocatable": room})
    k8s.kubectl("create namespace made")
    k8s.kubectl("-n made create deployment made --image=none")
    k8s.kubectl("-n made expose deployment made --port=80 --target-port=8080")
    bound = "-n made get pods -o jsonpath={.items[?(@.spec.nodeName=='n1')].metadata.name}"
    pod = str(eventually(f"a pod on the node\n{k8s.logs()}", lambda: k8s.kubectl(bound)))
    k8s.patch_status(f"-n made pod {pod}", {**ready, "phase": "Running", **at("p2")})
    reached(k8s, k8s.kubectl("-n made get service made -o jsonpath={.spec.clusterIP}"), 80, to("p2"))
    k8s.kubectl("-n made rollout status deployment made --timeout=60s")
    assert "BEGIN CERTIFICATE" in k8s.kubectl("-n made get configmap kube-root-ca.crt -o yaml")
    k8s.kubectl("-n made delete deployment made")
    ended = "-n made get pods -o jsonpath={.items[?(@.metadata.deletionTimestamp)].metadata.name}"
    eventually("its pod is collected", lambda: k8s.kubectl(ended) == pod)
    k8s.kubectl(f"-n made delete pod {pod} --force")  # as the node's agent would, were there one
    k8s.kubectl("delete namespace made --timeout=50s")
