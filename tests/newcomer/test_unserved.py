"""What is not there yet is named, not left to be guessed."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from tests.apiserver.harness import KUBECTL, Cluster
from wherry.apiserver.kinds import KINDS
from wherry.apiserver.unserved import UNSERVED

UPSTREAM = """
v1: Binding ComponentStatus ConfigMap Endpoints Event LimitRange Namespace Node PersistentVolume PersistentVolumeClaim
    Pod PodTemplate ReplicationController ResourceQuota Secret Service ServiceAccount
admissionregistration.k8s.io/v1: MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingWebhookConfiguration
    ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration
apiextensions.k8s.io/v1: CustomResourceDefinition
apiregistration.k8s.io/v1: APIService
apps/v1: ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet
authentication.k8s.io/v1: SelfSubjectReview TokenReview
authorization.k8s.io/v1: LocalSubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview
autoscaling/v1: HorizontalPodAutoscaler
autoscaling/v2: HorizontalPodAutoscaler
batch/v1: CronJob Job
certificates.k8s.io/v1: CertificateSigningRequest
coordination.k8s.io/v1: Lease
discovery.k8s.io/v1: EndpointSlice
events.k8s.io/v1: Event
flowcontrol.apiserver.k8s.io/v1: FlowSchema PriorityLevelConfiguration
networking.k8s.io/v1: Ingress IngressClass IPAddress NetworkPolicy ServiceCIDR
node.k8s.io/v1: RuntimeClass
policy/v1: PodDisruptionBudget
rbac.authorization.k8s.io/v1: ClusterRole ClusterRoleBinding Role RoleBinding
resource.k8s.io/v1: DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice
scheduling.k8s.io/v1: PriorityClass
storage.k8s.io/v1: CSIDriver CSINode CSIStorageCapacity StorageClass VolumeAttachment VolumeAttributesClass
"""
"""What `kubectl api-resources` lists on a cluster of Kubernetes 1.37 as it comes."""
CONTAINERS = {
    "volumeDevices": {"name": "c", "image": "nginx", "volumeDevices": [{"name": "v", "devicePath": "/dev/v"}]},
}


def spec(container: dict[str, Any]) -> dict[str, Any]:
    return {"containers": [container], "volumes": [{"name": "v", "emptyDir": {}}]}


@pytest.mark.parametrize("verb", ["GET", "POST"])
@pytest.mark.parametrize("resource", UNSERVED, ids=lambda r: f"{r.plural}.{r.version}")
async def test_a_kind_that_is_not_served_is_named_in_the_answer(cluster: Cluster, resource: Any, verb: str) -> None:
    path = resource.path("default" if resource.namespaced else None)
    status, _, answer = await cluster.request(verb, path, b"{}" if verb == "POST" else b"")
    assert status == 404
    assert answer["message"].startswith(f"{resource.kind} ({resource.group_resource}) is not served: wherry does not")


async def test_discovery_has_it_without_a_verb_so_that_clients_ask_and_use_it_for_nothing(
    cluster: Cluster,
) -> None:
    for resource in UNSERVED:
        path = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
        _, _, listed = await cluster.request("GET", path)
        [entry] = [r for r in listed["resources"] if r["name"] == resource.plural]
        assert (entry["kind"], entry["verbs"]) == (resource.kind, [])


async def test_discovery_names_every_kind_of_kubernetes_own(cluster: Cluster) -> None:
    wanted = dict(re.findall(r"^(\S+): ((?:[^:]+\n)+)", UPSTREAM, re.MULTILINE))
    assert len(wanted) == UPSTREAM.count(":")
    for version, kinds in wanted.items():
        _, _, listed = await cluster.request("GET", f"/{'apis' if '/' in version else 'api'}/{version}")
        assert {r["kind"] for r in listed["resources"] if "/" not in r["name"]} == set(kinds.split()), version


@pytest.mark.parametrize("version", KUBECTL)
@pytest.mark.parametrize("command", ["apply -f -", "create -f -", "get -f -", "delete -f -"])
@pytest.mark.parametrize("resource", UNSERVED[::9], ids=lambda r: r.plural)
async def test_kubectl_shows_that_answer_and_advises_nothing(
    cluster: Cluster, resource: Any, command: str, version: str
) -> None:
    if not KUBECTL[version].exists():
        pytest.skip(f"kubectl {version} is not installed")
    wanted = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": "a"}}
    code, out, err = await cluster.kubectl(
        *command.split(), version=version, input=msgspec.json.encode(wanted).decode()
    )
    assert code == 1, out
    assert f"{resource.kind} ({resource.group_resource}) is not served: wherry does not have this kind yet" in err
    assert "CRD" not in err


def test_nothing_that_is_served_is_called_unserved() -> None:
    assert not {(k.resource.group, k.plural) for k in KINDS} & {(r.group, r.plural) for r in UNSERVED}


@pytest.mark.parametrize("what", CONTAINERS)
async def test_what_no_node_can_do_is_warned_of_in_a_pod_and_in_a_template(cluster: Cluster, what: str) -> None:
    pod = {"metadata": {"name": "a"}, "spec": spec(CONTAINERS[what])}
    _, headers, _ = await cluster.request("POST", "/api/v1/namespaces/demo/pods", msgspec.json.encode(pod))
    told = f"container c: {what} is not supported by wherry: the pod will not be run"
    assert f"spec: {told}" in headers["warning"]
    template = {"metadata": {"labels": {"a": "b"}}, "spec": spec(CONTAINERS[what])}
    deployment = {"metadata": {"name": "a"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}}
    path = "/apis/apps/v1/namespaces/demo/deployments"
    _, headers, _ = await cluster.request("POST", path, msgspec.json.encode(deployment))
    assert f"spec.template.spec: {told}" in headers["warning"]
    _, headers, _ = await cluster.request("GET", f"{path}/a")
    assert "warning" not in headers
