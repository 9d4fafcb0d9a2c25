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
INGRESS = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: bad}\nspec: {}\n"


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("bad")
    with cluster("bad", "127.0.0.62", home, "--addons", "dns") as made:
        good = SERVICE % ("good", "NodePort", "", "[{port: 80, nodePort: 30123}]")
        made.kubectl("create -f -", stdin=good)
        yield made


@pytest.fixture(params=["1.37", "1.20"])
def tool(request: pytest.FixtureRequest, k8s: Cluster) -> Cluster:
    if not KUBECTL[request.param].exists():
        pytest.skip(f"this system has no kubectl {request.param}: scripts/install could not fetch it")
    return Cluster(k8s.name, k8s.bind, k8s.home, KUBECTL[request.param])


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (
            SERVICE % ("bad", "ClusterIP", "", "[]"),
            'The Service "bad" is invalid: spec.ports: Required value',
        ),
        (
            SERVICE % ("bad", "NodePort", "", "[{port: 80, nodePort: 80}]"),
            'The Service "bad" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the '
            "valid range. The range of valid ports is 30000-32767",
        ),
        (
            SERVICE % ("bad", "NodePort", "", "[{port: 80, nodePort: 30123}]"),
            'The Service "bad" is invalid: spec.ports[0].nodePort: Invalid value: 30123: provided port is already '
            "allocated",
        ),
        (
            SERVICE % ("bad", "ClusterIP", "10.96.0.10", "[{port: 80}]"),
            'The Service "bad" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP '
            "10.96.0.10: provided IP is already allocated",
        ),
        (
            (SERVICE % ("bad", "ClusterIP", "", "[{port: 80}]")).replace("  type", "  flavour: sweet\n  type"),
            "flavour",
        ),
        ("apiVersion: v1\nkind: Service\n  metadata: {", "error parsing"),
        (INGRESS, 'The Ingress "bad" is invalid: spec: Invalid value'),
    ],
)
def test_a_bad_object_is_refused_by_its_field(tool: Cluster, manifest: str, message: str) -> None:
    before = tool.kubectl("get svc,ingress -A -o name")
    output = tool.kubectl("create -f -", stdin=manifest, check=False)
    assert message in output
    assert "created" not in output
    assert tool.kubectl("get svc,ingress -A -o name") == before
