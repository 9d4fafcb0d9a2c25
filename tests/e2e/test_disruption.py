"""Budgets and evictions as who drains a node meets them, through real kubectl; and what older manifests are made of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness import Cluster, cluster, eventually

pytestmark = pytest.mark.e2e

BIND = "127.0.0.82"
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      nodeSelector: {kubernetes.io/hostname: k8s-slave1}
      containers: [{name: main, image: busybox, command: [sleep, "3600"]}]
"""
OLD = """
apiVersion: v1
kind: ReplicationController
metadata: {name: old}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: old}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: main, image: busybox, command: [sleep, "3600"]}]
"""
TEMPLATE = """
apiVersion: v1
kind: PodTemplate
metadata: {name: kept}
template:
  metadata: {labels: {app: kept}}
  spec: {containers: [{name: main, image: busybox}]}
"""
CLASS = """
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: urgent}
value: 1000
"""
BIG = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  priorityClassName: {priority}
  terminationGracePeriodSeconds: 8
  nodeName: {node}
  containers:
  - name: main
    image: busybox
    command: [sleep, "3600"]
    resources: {{requests: {{cpu: {cpu}m}}}}
"""
UNBOUND = '[{"op":"remove","path":"/spec/template/spec/nodeSelector"}]'
DRAIN = "drain k8s-slave1 --ignore-daemonsets"


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster("disruption", BIND, tmp_path_factory.mktemp("disruption"), "--nodes", "3", "--addons", "none") as made:
        yield made


def allowed(k8s: Cluster) -> str:
    return k8s.kubectl("get pdb web -o jsonpath={.status.disruptionsAllowed}")


def test_a_drain_waits_for_the_budget_and_goes_on_when_that_allows_it(k8s: Cluster) -> None:
    k8s.kubectl("apply -f -", stdin=WEB)
    k8s.kubectl("create pdb web --selector=app=web --min-available=2")
    k8s.kubectl("rollout status deployment/web --timeout=60s")
    eventually(
        "the budget has seen the pods", lambda: k8s.kubectl("get pdb web").split()[-5:-1] == ["web", "2", "N/A", "0"]
    )
    said = k8s.kubectl(f"{DRAIN} --timeout=4s", check=False)
    assert "Cannot evict pod as it would violate the pod's disruption budget." in said
    assert len(k8s.pods("app=web", "default")) == 2
    k8s.run(k8s.kubectl_path, "patch", "pdb", "web", "-p", '{"spec":{"minAvailable":1}}')
    eventually("one may go", lambda: allowed(k8s) == "1")
    k8s.run(k8s.kubectl_path, "patch", "deployment", "web", "--type=json", "-p", UNBOUND)
    k8s.kubectl(f"{DRAIN} --timeout=90s")
    k8s.kubectl("rollout status deployment/web --timeout=60s")
    places = k8s.kubectl("get pods -l app=web -o jsonpath={.items[*].spec.nodeName}")
    assert set(places.split()) == {"k8s-slave2"}
    assert "ALLOWED DISRUPTIONS" in k8s.kubectl("get pdb")
    k8s.kubectl("uncordon k8s-slave1")


def test_a_replication_controller_keeps_its_pods_and_is_scaled(k8s: Cluster) -> None:
    k8s.kubectl("apply -f -", stdin=OLD)
    k8s.kubectl("wait --for=jsonpath={.status.readyReplicas}=2 rc/old --timeout=60s")
    first, _ = k8s.pods("app=old", "default")
    k8s.kubectl(f"delete pod {first}")
    k8s.kubectl("scale rc/old --replicas=3")
    k8s.kubectl("wait --for=jsonpath={.status.readyReplicas}=3 rc/old --timeout=60s")
    assert k8s.kubectl("get --raw /api/v1/namespaces/default/replicationcontrollers/old/scale").count('"app=old"') == 1
    k8s.kubectl("expose rc old --port=80")
    assert k8s.kubectl("get service old -o jsonpath={.spec.selector.app}") == "old"
    k8s.kubectl("delete rc old")
    eventually("its pods are gone", lambda: k8s.pods("app=old", "default") == [])


def test_a_template_is_kept_and_shown(k8s: Cluster) -> None:
    k8s.kubectl("apply -f -", stdin=TEMPLATE)
    assert k8s.kubectl("get podtemplates").split()[-4:] == ["kept", "main", "busybox", "app=kept"]
    k8s.kubectl("apply -f -", stdin=TEMPLATE.replace("busybox", "nginx"))
    assert k8s.kubectl("get podtemplate kept -o jsonpath={.metadata.generation}") == "2"
    k8s.kubectl("delete podtemplate kept")


def test_an_urgent_pod_drives_out_another_and_runs_in_its_place(k8s: Cluster) -> None:
    """Each of them wants most of a node; the first is put there by hand, the second has nowhere else to go."""
    cores = k8s.kubectl("get node k8s-slave2 -o jsonpath={.status.allocatable.cpu}").strip()
    most = int(cores) * 600
    k8s.kubectl("apply -f -", stdin=CLASS)
    k8s.kubectl("cordon k8s-master k8s-slave1")
    try:
        k8s.kubectl("apply -f -", stdin=BIG.format(name="first", priority='""', node="k8s-slave2", cpu=most))
        k8s.kubectl("wait --for=condition=Ready pod/first --timeout=60s")
        k8s.kubectl("apply -f -", stdin=BIG.format(name="urgent", priority="urgent", node='""', cpu=most))
        k8s.kubectl("wait --for=condition=DisruptionTarget pod/first --timeout=30s")  # within the grace it has
        k8s.kubectl("wait --for=condition=Ready pod/urgent --timeout=60s")
        assert k8s.kubectl("get pod first --ignore-not-found") == ""
        events = "get events -o go-template={{range.items}}{{.reason}}:{{.message}};{{end}}"
        uid = k8s.kubectl("get pod urgent -o jsonpath={.metadata.uid}").strip()
        eventually("the event", lambda: f"Preempted:Preempted by pod {uid} on node k8s-slave2" in k8s.kubectl(events))
    finally:
        k8s.kubectl("uncordon k8s-master k8s-slave1")
        k8s.kubectl("delete pod first urgent --ignore-not-found --grace-period=0 --force")
