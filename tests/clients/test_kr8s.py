"""kr8s: kubectl's verbs as Python's."""

from __future__ import annotations

import kr8s
import pytest
from harness import Cluster, eventually
from kr8s.objects import ConfigMap, Deployment, Pod, Service, new_class

# It warns of every server newer than itself.
pytestmark = pytest.mark.filterwarnings("ignore:Kubernetes version .* is not supported:UserWarning")


@pytest.fixture(scope="module")
def api(k8s: Cluster) -> kr8s.Api:
    return kr8s.api(kubeconfig=str(k8s.home / "kubeconfig"))


def echo(name: str) -> dict[str, object]:
    probe = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
    container = {"name": "main", "image": "test/echo", "ports": [{"containerPort": 8080}], "readinessProbe": probe}
    return {
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [container]},
    }


def test_it_knows_the_server(api: kr8s.Api) -> None:
    assert api.version()["gitVersion"].startswith("v1.37")
    assert {"pods", "deployments"} <= {resource["name"] for resource in api.api_resources()}
    assert "Node" in {node.kind for node in api.get("nodes")}


def test_an_object_is_created_patched_labelled_and_deleted(api: kr8s.Api) -> None:
    made = ConfigMap({"metadata": {"name": "words"}, "data": {"a": "1"}}, api=api)
    made.create()
    made.patch({"data": {"b": "2"}})
    assert made.data == {"a": "1", "b": "2"}
    made.label(shade="blue")
    [found] = api.get("configmaps", label_selector={"shade": "blue"}, namespace="default")
    assert found.name == "words"
    made.delete()
    assert not made.exists()


def test_a_pod_is_waited_for_and_executes(api: kr8s.Api) -> None:
    pod = Pod(
        {
            "metadata": {"name": "runs"},
            "spec": {"terminationGracePeriodSeconds": 0, "containers": [{"name": "main", "image": "test/shell"}]},
        },
        api=api,
    )
    pod.create()
    pod.wait("condition=Ready", timeout=60)
    assert pod.exec(["echo", "hello"]).stdout == b"hello\n"
    pod.delete()
    pod.wait("delete", timeout=60)


def test_a_port_is_forwarded_to_a_service(k8s: Cluster, api: kr8s.Api) -> None:
    Pod(echo("front"), api=api).create()
    spec = {"selector": {"app": "front"}, "ports": [{"port": 80, "targetPort": 8080}]}
    service = Service({"metadata": {"name": "front"}, "spec": spec}, api=api)
    service.create()
    k8s.kubectl("wait --for=condition=Ready pod/front --timeout=60s")
    with service.portforward(remote_port=8080, local_port="auto") as port:
        assert "front" in k8s.run("curl", "-s", "-m", "10", f"http://127.0.0.1:{port}/")


def test_a_deployment_is_scaled(k8s: Cluster, api: kr8s.Api) -> None:
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "some"}},
        "template": echo("some") | {"metadata": {"labels": {"app": "some"}}},
    }
    made = Deployment({"metadata": {"name": "some"}, "spec": spec}, api=api)
    made.create()
    made.scale(3)
    eventually("three ready", lambda: made.refresh() or made.status.get("readyReplicas") == 3)
    assert len(list(made.pods())) == 3
    made.delete()


def test_a_class_for_a_custom_resource_is_enough(k8s: Cluster, api: kr8s.Api) -> None:
    k8s.kubectl("apply -f -", stdin=DEFINITION)
    k8s.kubectl("wait --for=condition=Established crd/knots.harbour.example --timeout=30s")
    knot = new_class(kind="Knot", version="harbour.example/v1", namespaced=True)
    made = knot({"metadata": {"name": "bowline"}, "spec": {"loops": 1}}, api=api)
    made.create()
    made.patch({"spec": {"loops": 2}})
    assert knot.get("bowline", namespace="default", api=api).spec.loops == 2
    with pytest.raises(kr8s.ServerError, match=r"spec\.loops"):
        made.patch({"spec": {"loops": "many"}})
    made.delete()


DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: knots.harbour.example}
spec:
  group: harbour.example
  scope: Namespaced
  names: {plural: knots, singular: knot, kind: Knot}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties: {spec: {type: object, properties: {loops: {type: integer}}}}
"""
