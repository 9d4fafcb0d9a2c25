"""Helm 3 and 4, with a chart of what popular charts are made of: installed, upgraded, rolled back, uninstalled."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Cluster, eventually

from tests.clients.golang import built

pytestmark = pytest.mark.go
CHART = Path(__file__).resolve().parent / "charts" / "shop"
FEW_SECONDS = "--timeout=90s"
Helm = Callable[..., str]


@pytest.fixture(params=["helm3", "helm4"])
def helm(request: pytest.FixtureRequest, k8s: Cluster) -> Helm:
    program, namespace = built(request.param), request.param
    return lambda *words, check=True: k8s.run(program, "-n", namespace, *words, check=check, timeout=150)


def get(k8s: Cluster, namespace: str, what: str, path: str) -> str:
    return k8s.kubectl(f"-n {namespace} get {what} -o jsonpath={{{path}}}")


def test_a_release_from_install_to_uninstall(k8s: Cluster, helm: Helm, request: pytest.FixtureRequest) -> None:
    ns = request.node.callspec.params["helm"]
    said = helm("install", "shop", str(CHART), "--create-namespace", "--wait", FEW_SECONDS)
    assert "http://shop.test/ says hello" in said
    assert json.loads(helm("list", "-o", "json"))[0]["status"] == "deployed"
    assert get(k8s, ns, "deployment/shop", ".status.readyReplicas") == "1"
    assert get(k8s, ns, "statefulset/shop-db", ".status.readyReplicas") == "1"
    assert get(k8s, ns, "pvc/data-shop-db-0", ".status.phase") == "Bound"
    assert "v1.37" in get(k8s, ns, "configmap/shop", ".data.served-by")
    assert get(k8s, ns, "order/shop", ".spec.items") == "3"
    assert not k8s.kubectl(f"-n {ns} get job shop-migrate --ignore-not-found")
    assert "Succeeded" in helm("test", "shop", FEW_SECONDS)
    password = get(k8s, ns, "secret/shop", ".data.password")

    helm("upgrade", "shop", str(CHART), "--set", "replicas=2,greeting=goodbye,items=4", "--wait", FEW_SECONDS)
    assert get(k8s, ns, "deployment/shop", ".status.readyReplicas") == "2"
    assert get(k8s, ns, "configmap/shop", ".data.greeting") == "goodbye"
    assert get(k8s, ns, "secret/shop", ".data.password") == password
    pod = k8s.kubectl(f"-n {ns} get pods -l part=web --field-selector=status.phase=Running -o name").split()[-1]
    eventually("its environment", lambda: "goodbye" in k8s.kubectl(f"-n {ns} exec {pod} -- env"))

    refused = helm("upgrade", "shop", str(CHART), "--set", "items=100", FEW_SECONDS, check=False)
    assert "too many items" in refused
    assert get(k8s, ns, "order/shop", ".spec.items") == "4"

    helm("rollback", "shop", "1", "--wait", FEW_SECONDS)
    assert get(k8s, ns, "configmap/shop", ".data.greeting") == "hello"
    assert get(k8s, ns, "deployment/shop", ".spec.replicas") == "1"
    assert [entry["status"] for entry in json.loads(helm("history", "shop", "-o", "json"))][-1] == "deployed"

    helm("uninstall", "shop", "--wait", FEW_SECONDS)
    assert get(k8s, ns, "configmap/shop-farewell", ".data.revision")
    kinds = "deployment,statefulset,service,ingress,pdb,hpa,role,rolebinding,networkpolicy,order"
    assert "No resources found" in k8s.kubectl(f"-n {ns} get {kinds} -l app.kubernetes.io/instance=shop")
    assert get(k8s, ns, "pvc/data-shop-db-0", ".status.phase") == "Bound"


def test_what_is_there_already_and_not_of_the_release_stops_an_install(
    k8s: Cluster, helm: Helm, request: pytest.FixtureRequest
) -> None:
    ns = request.node.callspec.params["helm"]
    k8s.kubectl(f"create namespace {ns}", check=False)
    k8s.kubectl(f"-n {ns} create configmap other --from-literal=a=1")
    said = helm("install", "other", str(CHART), FEW_SECONDS, check=False)
    assert "exists and cannot be imported" in said or "conflict" in said
    assert get(k8s, ns, "configmap/other", ".data.a") == "1"
