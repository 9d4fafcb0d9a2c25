"""lightkube: typed models of every kind, apply, watches, scale and status."""

from __future__ import annotations

import httpx
import lightkube
import pytest
from harness import Cluster, eventually
from lightkube.codecs import load_all_yaml
from lightkube.core.exceptions import ApiError
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.autoscaling_v1 import ScaleSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap, Namespace, Node, Pod
from lightkube.resources.discovery_v1 import EndpointSlice
from lightkube.types import CascadeType, PatchType

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: main, image: test/echo}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
"""


@pytest.fixture(scope="module")
def api(k8s: Cluster) -> lightkube.Client:
    settings = lightkube.KubeConfig.from_file(str(k8s.home / "kubeconfig"))
    return lightkube.Client(config=settings, namespace="default", field_manager="lightkube")


def test_nodes_are_typed(api: lightkube.Client) -> None:
    [node] = api.list(Node)
    assert node.status.nodeInfo.kubeletVersion.startswith("v1.37")


def test_a_manifest_is_applied_and_served(api: lightkube.Client) -> None:
    for made in load_all_yaml(WEB):
        api.apply(made)
    api.wait(Deployment, "web", for_conditions=["Available"])
    slices = eventually(
        "an endpoint",
        lambda: [s for s in api.list(EndpointSlice, labels={"kubernetes.io/service-name": "web"}) if s.endpoints],
    )
    assert [port.port for port in slices[0].ports] == [8080]


def test_a_second_manager_must_force(api: lightkube.Client) -> None:
    made = ConfigMap(metadata=ObjectMeta(name="owned"), data={"a": "1"})
    api.apply(made, field_manager="first")
    made.data = {"a": "2"}
    with pytest.raises(ApiError) as conflict:
        api.apply(made, field_manager="second")
    assert conflict.value.status.code == 409
    assert 'conflict with "first"' in conflict.value.status.message
    assert api.apply(made, field_manager="second", force=True).data == {"a": "2"}


def test_scale_and_every_patch_type(api: lightkube.Client) -> None:
    scale = api.get(Deployment.Scale, "web")
    scale.spec = ScaleSpec(replicas=2)
    api.replace(scale, "web")
    assert api.get(Deployment, "web").spec.replicas == 2
    api.patch(Deployment, "web", {"spec": {"replicas": 1}})
    api.patch(Deployment, "web", {"metadata": {"labels": {"a": "b"}}}, patch_type=PatchType.MERGE)
    step = [{"op": "replace", "path": "/metadata/labels/a", "value": "c"}]
    made = api.patch(Deployment, "web", step, patch_type=PatchType.JSON)
    assert (made.spec.replicas, made.metadata.labels["a"]) == (1, "c")


def test_a_watch_begins_at_a_version(api: lightkube.Client) -> None:
    begin = api.create(ConfigMap(metadata=ObjectMeta(name="watched"))).metadata.resourceVersion
    api.patch(ConfigMap, "watched", {"data": {"a": "1"}})
    api.delete(ConfigMap, "watched")
    heard = []
    for kind, changed in api.watch(ConfigMap, resource_version=begin, fields={"metadata.name": "watched"}):
        heard.append((kind, changed.data))
        if kind == "DELETED":
            break
    assert heard == [("MODIFIED", {"a": "1"}), ("DELETED", {"a": "1"})]


def test_logs_are_followed(k8s: Cluster, api: lightkube.Client) -> None:
    container = {"name": "main", "image": "test/shell", "args": ["for i in 1 2 3; do echo line $i; sleep 0.1; done"]}
    spec = {"restartPolicy": "Never", "containers": [container]}
    api.create(Pod.from_dict({"metadata": {"name": "talks"}, "spec": spec}))
    k8s.kubectl("wait --for=jsonpath={.status.phase}=Succeeded pod/talks --timeout=60s")
    assert [line.strip() for line in api.log("talks", follow=True)] == ["line 1", "line 2", "line 3"]


def test_a_deletion_that_leaves_its_dependents(api: lightkube.Client) -> None:
    eventually("one dependent", lambda: len(list(api.list(Pod, labels={"app": "web"}))) == 1)
    api.delete(Deployment, "web", cascade=CascadeType.ORPHAN)
    with pytest.raises(ApiError):
        eventually("gone", lambda: api.get(Deployment, "web") is None)
    assert len(list(api.list(Pod, labels={"app": "web"}))) == 1


def test_a_generic_resource_is_refused_where_there_is_no_such_kind(api: lightkube.Client) -> None:
    nothing = create_namespaced_resource("nowhere.example", "v1", "Nothing", "nothings")
    with pytest.raises((ApiError, httpx.HTTPStatusError)):
        list(api.list(nothing, namespace="*"))
    assert api.get(Namespace, "default").status.phase == "Active"
