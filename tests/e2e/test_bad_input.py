"""Bad input gets the error Kubernetes gives, with the field's path, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness import KUBECTL, Cluster, cluster

pytestmark = pytest.mark.e2e

SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: %s}
spec:
  type: %s
  clusterIP: "%s"
  ports: %s
"""
GOOD = """
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: good}
spec:
  replicas: 0
  selector: {matchLabels: {a: b}}
  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: x, image: x}]}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: good}
immutable: true
data: {a: b}
---
apiVersion: v1
kind: Pod
metadata: {name: good}
spec: {nodeSelector: {no: where}, containers: [{name: x, image: x}]}
"""


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("bad")
    with cluster("bad", "127.0.0.62", home, "--addons", "dns") as made:
        good = SERVICE % ("good", "NodePort", "", "[{port: 80, nodePort: 30123}]")
        made.kubectl("create -f -", stdin=good + GOOD)
        yield made


@pytest.fixture(params=["1.37", "1.20"])
def tool(request: pytest.FixtureRequest, k8s: Cluster) -> Cluster:
    if not KUBECTL[request.param].exists():
        pytest.skip(f"this system has no kubectl {request.param}: scripts/install could not fetch it")
    return Cluster(k8s.name, k8s.bind, k8s.home, KUBECTL[request.param])


BAD = {
    "a service without ports": (
        SERVICE % ("bad", "ClusterIP", "", "[]"),
        'The Service "bad" is invalid: spec.ports: Required value',
    ),
    "a node port out of range": (
        SERVICE % ("bad", "NodePort", "", "[{port: 80, nodePort: 80}]"),
        'The Service "bad" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the '
        "valid range. The range of valid ports is 30000-32767",
    ),
    "a node port that is taken": (
        SERVICE % ("bad", "NodePort", "", "[{port: 80, nodePort: 30123}]"),
        'The Service "bad" is invalid: spec.ports[0].nodePort: Invalid value: 30123: provided port is already '
        "allocated",
    ),
    "a cluster IP that is taken": (
        SERVICE % ("bad", "ClusterIP", "10.96.0.10", "[{port: 80}]"),
        'The Service "bad" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP '
        "10.96.0.10: provided IP is already allocated",
    ),
    "a cluster IP out of range": (
        SERVICE % ("bad", "ClusterIP", "10.244.0.10", "[{port: 80}]"),
        'The Service "bad" is invalid: spec.clusterIPs: Invalid value: ["10.244.0.10"]: failed to allocate IP '
        "10.244.0.10: the provided IP (10.244.0.10) is not in the valid range. The range of valid IPs is 10.96.0.0/12",
    ),
    "two ports of one name": (
        SERVICE % ("bad", "ClusterIP", "", "[{name: a, port: 80}, {name: a, port: 81}]"),
        'The Service "bad" is invalid: spec.ports[1].name: Duplicate value: "a"',
    ),
    "a name no DNS label can be": (
        SERVICE % ("Bad_Name", "ClusterIP", "", "[{port: 80}]"),
        'The Service "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": a ',
    ),
    "a port that is no port": (
        SERVICE % ("bad", "ClusterIP", "", "[{port: 65536, targetPort: 80}]"),
        'The Service "bad" is invalid: spec.ports[0].port: Invalid value: 65536: must be between 1 and 65535, '
        "inclusive",
    ),
    "an ingress without a backend": (
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: bad}\nspec: {}\n",
        'The Ingress "bad" is invalid: spec: Invalid value',
    ),
    "a rule without a backend": (
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: bad}\n"
        "spec: {rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {}}]}}]}\n",
        'The Ingress "bad" is invalid: spec.rules[0].http.paths[0].backend: Invalid value: "": '
        "resource or service backend is required",
    ),
    "a selector that is not its template's": (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: bad}\nspec: {selector: {matchLabels: {a: b}}, "
        "template: {metadata: {labels: {a: c}}, spec: {containers: [{name: x, image: x}]}}}\n",
        'The Deployment "bad" is invalid: spec.template.metadata.labels: Invalid value: {"a":"c"}: '
        "`selector` does not match template `labels`",
    ),
    "a name that is taken": (
        SERVICE % ("good", "ClusterIP", "", "[{port: 80}]"),
        'services "good" already exists',
    ),
    "a namespace there is not": (
        SERVICE % ("bad, namespace: nowhere", "ClusterIP", "", "[{port: 80}]"),
        'namespaces "nowhere" not found',
    ),
    "text that is not YAML": ("apiVersion: v1\nkind: Service\n  metadata: {", "error parsing"),
}
BAD_CHANGES = {
    "a cluster IP": ("service/good", '{"spec": {"clusterIP": "10.96.0.99"}}', "spec.clusterIPs[0]: Invalid value: "),
    "a selector": ("deployment/good", '{"spec": {"selector": {"matchLabels": {"x": "y"}}}}', "field is immutable"),
    "an immutable config map": ("configmap/good", '{"data": {"a": "c"}}', "data: Forbidden: field is immutable"),
    "a pod's command": (
        "pod/good",
        '{"spec": {"containers": [{"name": "x", "command": ["y"]}]}}',
        "spec: Forbidden: pod updates may not change fields other than",
    ),
    "a name": ("service/good", '{"metadata": {"name": "other"}}', "the name of the object"),
}


def everything(tool: Cluster) -> str:
    template = "jsonpath={range .items[*]}{.metadata.uid} {.metadata.generation} {.spec}{.data}{end}"
    return tool.run(tool.kubectl_path, "get", "services,ingresses,deployments,configmaps", "-A", "-o", template)


@pytest.mark.parametrize("case", BAD)
def test_a_bad_object_is_refused_by_its_field(tool: Cluster, case: str) -> None:
    manifest, message = BAD[case]
    before = everything(tool)
    output = tool.kubectl("create -f -", stdin=manifest, check=False)
    assert message in output
    assert "created" not in output
    assert everything(tool) == before


def test_an_unknown_field_is_refused_by_name(tool: Cluster) -> None:
    """kubectl 1.20 checks it against our OpenAPI itself, 1.37 leaves it to the server."""
    manifest = (SERVICE % ("bad", "ClusterIP", "", "[{port: 80}]")).replace("  type", "  flavour: sweet\n  type")
    output = tool.kubectl("create -f -", stdin=manifest, check=False)
    assert ('unknown field "flavour"' in output) or ('unknown field "spec.flavour"' in output)
    assert "NotFound" in tool.kubectl("get service bad", check=False)


@pytest.mark.parametrize("case", BAD_CHANGES)
def test_what_cannot_change_does_not(tool: Cluster, case: str) -> None:
    target, patch, message = BAD_CHANGES[case]
    before = everything(tool)
    output = tool.run(tool.kubectl_path, "patch", target, "-p", patch, check=False)
    assert message in output
    assert everything(tool) == before
