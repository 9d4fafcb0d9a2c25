"""The ingress a cluster has by default: real nginx, its rules, its certificates, and what kubectl shows of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import KUBECTL, Cluster, cluster, eventually, traffic

pytestmark = pytest.mark.e2e

BIND, NODE, ADDRESS = "127.0.0.65", "k8s-master", "192.168.51.209"
APP = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: %(name)s}
spec:
  replicas: 2
  selector: {matchLabels: {app: %(name)s}}
  template:
    metadata: {labels: {app: %(name)s}}
    spec:
      terminationGracePeriodSeconds: 5
      containers:
      - name: echo
        image: test/echo
        readinessProbe: {httpGet: {path: /ready, port: 8080}, periodSeconds: 1, failureThreshold: 1}
        lifecycle: {preStop: {exec: {command: [sleep, "1"]}}}
---
apiVersion: v1
kind: Service
metadata: {name: %(name)s}
spec:
  selector: {app: %(name)s}
  ports: [{name: web, port: 80, targetPort: 8080}]
---
"""
RULES = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: rules}
spec:
  rules:
  - host: a.example
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: first, port: {number: 80}}}}
      - {path: /second, pathType: Prefix, backend: {service: {name: second, port: {name: web}}}}
      - {path: /second/exactly, pathType: Exact, backend: {service: {name: first, port: {number: 80}}}}
  - host: "*.wild.example"
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: second, port: {number: 80}}}}]}
  - host: lonely.example
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: nobody, port: {number: 80}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: secure}
spec:
  tls:
  - {hosts: [one.example], secretName: one}
  - {hosts: [two.example], secretName: two}
  rules:
  - host: one.example
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: first, port: {number: 80}}}}]}
  - host: two.example
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: second, port: {number: 80}}}}]}
---
apiVersion: v1
kind: Service
metadata: {name: nobody}
spec:
  selector: {app: nobody}
  ports: [{port: 80}]
"""


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("ingress")
    image_map = str(Path(__file__).with_name("image-map.yaml"))
    with cluster("ingress", BIND, home, "--image-map", image_map) as made:
        for name in ("one", "two"):
            key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", "key", "-out", name]
            subject = ["-subj", f"/CN={name}.example", "-addext", f"subjectAltName=DNS:{name}.example"]
            made.run("openssl", "req", "-x509", "-nodes", "-days", "10", *key, *subject)
            made.kubectl(f"create secret tls {name} --key key --cert {name}")
        made.kubectl("apply -f -", stdin=APP % {"name": "first"} + APP % {"name": "second"} + RULES)
        made.kubectl("rollout status deployment/first --timeout=60s")
        made.kubectl("rollout status deployment/second --timeout=60s")
        eventually("all of first", lambda: set(ask(made, "a.example", times=20)) == pods(made, "first"))
        eventually("all of second", lambda: set(ask(made, "x.wild.example", times=20)) == pods(made, "second"))
        for name in ("one", "two"):
            eventually(f"TLS of {name}", lambda name=name: code(made, f"http://{name}.example/") == "308")
        eventually("nobody", lambda: code(made, "http://lonely.example/") == "503")
        yield made


def pods(k8s: Cluster, app: str) -> set[str]:
    return set(k8s.pods(f"app={app}", "default"))


def ask(k8s: Cluster, host: str, path: str = "/", times: int = 1) -> Counter[str]:
    """Ask through the host's port 8080, and count who answered."""
    urls = [f"http://{host}{path}"] * times
    output = k8s.run("curl", "-sS", "-m5", "--connect-to", f"::{BIND}:8080", *urls)
    return Counter(line.split()[0] for line in output.splitlines() if line)


def code(k8s: Cluster, url: str, *options: str) -> str:
    """Return the status code of an answer through the host's ports."""
    ports = ["--connect-to", f"::{BIND}:{8443 if url.startswith('https') else 8080}"]
    return k8s.run("curl", "-sS", "-m5", "-o", "/dev/null", "-w", "%{http_code}", *ports, *options, url)


def workers(k8s: Cluster) -> set[int]:
    return k8s.find("^nginx: worker process$")


@pytest.mark.parametrize(
    ("host", "path", "app"),
    [
        ("a.example", "/", "first"),
        ("A.Example", "/any/thing", "first"),
        ("a.example", "/second", "second"),
        ("a.example", "/second/below", "second"),
        ("a.example", "/secondary", "first"),
        ("a.example", "/second/exactly", "first"),
        ("a.example", "/second/exactly/not", "second"),
        ("x.wild.example", "/", "second"),
    ],
)
def test_hosts_and_paths_lead_to_their_services(k8s: Cluster, host: str, path: str, app: str) -> None:
    assert ask(k8s, host, path, times=3).keys() <= pods(k8s, app)


def test_every_endpoint_gets_its_share(k8s: Cluster) -> None:
    counted = ask(k8s, "a.example", times=20)
    assert counted.keys() == pods(k8s, "first")
    assert min(counted.values()) >= 5


def test_what_no_rule_leads_to_is_not_found_and_what_nobody_serves_unavailable(k8s: Cluster) -> None:
    assert code(k8s, "http://unknown.example/") == "404"
    assert code(k8s, f"http://{BIND}/") == "404"
    assert code(k8s, "http://wild.example/") == "404"
    assert code(k8s, "http://lonely.example/") == "503"


def test_the_application_learns_who_asked_and_how(k8s: Cluster) -> None:
    url, ports = "http://a.example/headers", ["--connect-to", f"::{BIND}:8080"]
    head = k8s.run("curl", "-sS", "-m5", *ports, url).lower()
    assert "host: a.example" in head
    for name, value in (("x-real-ip", r"192\.168\.51\.1"), ("x-forwarded-proto", "http"), ("x-forwarded-port", "80")):
        assert re.search(rf"^{name}: {value}\r?$", head, re.M), head
    assert "x-forwarded-for: 192.168.51.1" in head
    assert re.search(r"^x-request-id: [0-9a-f]{32}", head, re.M)


@pytest.mark.parametrize(("name", "app"), [("one", "first"), ("two", "second")])
def test_the_certificate_is_chosen_by_the_name_asked_for(k8s: Cluster, name: str, app: str) -> None:
    url, ports = f"https://{name}.example/", ["--connect-to", f"::{BIND}:8443"]
    answer = k8s.run("curl", "-sS", "-m5", "--cacert", str(k8s.home / name), *ports, url)
    assert answer.split()[0] in pods(k8s, app)
    redirect = ["-w", "%{http_code} %{redirect_url}", "-o", "/dev/null", "--connect-to", f"::{BIND}:8080"]
    assert k8s.run("curl", "-sS", "-m5", *redirect, f"http://{name}.example/x") == f"308 https://{name}.example/x"


def test_other_names_get_the_default_certificate_and_no_page(k8s: Cluster) -> None:
    assert code(k8s, "https://unknown.example/", "-k") == "404"
    connect = f"openssl s_client -connect {BIND}:8443 -servername unknown.example </dev/null 2>/dev/null"
    assert "Default Certificate" in k8s.run("sh", "-c", f"{connect} | openssl x509 -noout -subject")


def test_endpoints_come_and_go_without_a_reload_and_without_a_failed_request(k8s: Cluster) -> None:
    before = workers(k8s)
    assert before
    with traffic(k8s, NODE, "-H", "Host: a.example", f"http://{ADDRESS}/") as counted:
        k8s.kubectl("scale deployment first --replicas=3")
        k8s.kubectl("rollout status deployment/first --timeout=60s")
        assert len(pods(k8s, "first")) == 3
        eventually("the third", lambda: set(ask(k8s, "a.example", times=20)) == pods(k8s, "first"))
        k8s.kubectl("set env deployment/first VERSION=2")
        k8s.kubectl("rollout status deployment/first --timeout=60s")
        eventually("the new ones", lambda: set(ask(k8s, "a.example", times=20)) == pods(k8s, "first"))
    assert counted.keys() == {"200"}
    assert counted.total() >= 5  # enough to meet each phase; how many there are is the machine's speed
    assert workers(k8s) == before


def test_who_fails_its_readiness_probe_is_left_out(k8s: Cluster) -> None:
    first, *others = sorted(pods(k8s, "second"))
    k8s.kubectl(f"exec {first} -- touch /tmp/unready")
    eventually("the others", lambda: ask(k8s, "x.wild.example", times=10).keys() == set(others))
    k8s.kubectl(f"exec {first} -- rm /tmp/unready")
    eventually("all again", lambda: ask(k8s, "x.wild.example", times=10).keys() == {first, *others})


def test_a_renewed_certificate_is_presented_without_a_reload(k8s: Cluster) -> None:
    before = workers(k8s)
    subject = ["-subj", "/CN=one.example", "-addext", "subjectAltName=DNS:one.example"]
    k8s.run("openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-keyout", "key", "-out", "renewed", *subject)
    made = k8s.kubectl("create secret tls one --key key --cert renewed --dry-run=client -o yaml")
    k8s.kubectl("replace -f -", stdin=made)
    ours = k8s.run("openssl", "x509", "-in", "renewed", "-noout", "-fingerprint")
    connect = f"openssl s_client -connect {BIND}:8443 -servername one.example </dev/null 2>/dev/null"
    show = f"{connect} | openssl x509 -noout -fingerprint"
    eventually("the renewed certificate", lambda: k8s.run("sh", "-c", show) == ours)
    assert workers(k8s) == before


def test_a_new_rule_reloads_without_a_failed_request_and_a_deleted_one_is_gone(k8s: Cluster) -> None:
    rule = "first.example/*=first:80"
    with traffic(k8s, NODE, "-H", "Host: a.example", f"http://{ADDRESS}/") as counted:
        k8s.kubectl(f"create ingress late --class=nginx --rule={rule}")
        eventually("the rule", lambda: code(k8s, "http://first.example/") == "200")
        k8s.kubectl("delete ingress late")
        eventually("its end", lambda: code(k8s, "http://first.example/") == "404")
    assert counted.keys() == {"200"}


@pytest.mark.parametrize("version", KUBECTL)
@pytest.mark.parametrize(
    "resource", ["ingress", "ingresses.v1.networking.k8s.io", "ingresses.v1beta1.networking.k8s.io",
                 "ingresses.v1beta1.extensions"],
)  # fmt: skip
def test_kubectl_shows_the_same_in_every_version_of_the_api(k8s: Cluster, version: str, resource: str) -> None:
    if not KUBECTL[version].exists():
        pytest.skip(f"this system has no kubectl {version}: scripts/install could not fetch it")
    eventually("the addresses", lambda: k8s.kubectl("get ingress").count(ADDRESS) == 2)
    output = k8s.run(KUBECTL[version], "get", resource)
    header, *lines = [re.split(r"\s{2,}", line.strip()) for line in output.splitlines() if not line.startswith("W")]
    assert header == ["NAME", "CLASS", "HOSTS", "ADDRESS", "PORTS", "AGE"]
    shown = {line[0]: line[1:5] for line in lines}
    assert shown == {
        "rules": ["nginx", "a.example,*.wild.example,lonely.example", ADDRESS, "80"],
        "secure": ["nginx", "one.example,two.example", ADDRESS, "80, 443"],
    }
