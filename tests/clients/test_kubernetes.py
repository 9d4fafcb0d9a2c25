"""The official Python client: typed and dynamic, watching, patching, executing."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from harness import Cluster, eventually
from kubernetes import client, config, dynamic, utils, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream


@pytest.fixture(scope="module")
def api(k8s: Cluster) -> client.ApiClient:
    config.load_kube_config(str(k8s.home / "kubeconfig"))
    return client.ApiClient()


def deployment(name: str, replicas: int = 1) -> dict[str, Any]:
    container = {"name": "main", "image": "test/shell"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"terminationGracePeriodSeconds": 0, "containers": [container]},
            },
        },
    }


def message(refused: ApiException) -> str:
    """What the server's Status says."""
    return str(json.loads(refused.body)["message"])


def test_the_version_and_the_groups_are_read(api: client.ApiClient) -> None:
    assert client.VersionApi(api).get_code().git_version.startswith("v1.37")
    groups = {group.name for group in client.ApisApi(api).get_api_versions().groups}
    assert {"apps", "batch", "networking.k8s.io", "apiextensions.k8s.io"} <= groups


def test_typed_objects_are_created_read_replaced_and_deleted(api: client.ApiClient) -> None:
    core = client.CoreV1Api(api)
    made = core.create_namespaced_config_map(
        "default", client.V1ConfigMap(metadata=client.V1ObjectMeta(name="typed"), data={"a": "1"})
    )
    made.data["b"] = "2"
    assert core.replace_namespaced_config_map("typed", "default", made).data == {"a": "1", "b": "2"}
    with pytest.raises(ApiException) as conflict:
        core.replace_namespaced_config_map("typed", "default", made)
    assert (conflict.value.status, conflict.value.reason) == (409, "Conflict")
    core.delete_namespaced_config_map("typed", "default")
    with pytest.raises(ApiException) as gone:
        core.read_namespaced_config_map("typed", "default")
    assert gone.value.status == 404


def test_a_watch_ends_where_its_list_began_and_hears_every_change(api: client.ApiClient) -> None:
    core = client.CoreV1Api(api)
    start = core.list_namespaced_config_map("default").metadata.resource_version
    heard = []

    def write() -> None:
        for number in range(20):
            core.create_namespaced_config_map("default", {"metadata": {"name": f"heard-{number}"}})
        core.delete_collection_namespaced_config_map("default", field_selector="metadata.name!=kube-root-ca.crt")

    writer = threading.Thread(target=write)
    writer.start()
    watcher = watch.Watch()
    for event in watcher.stream(core.list_namespaced_config_map, "default", resource_version=start, timeout_seconds=60):
        name = event["object"].metadata.name
        if name.startswith("heard-"):
            heard.append((event["type"], name))
        if len(heard) == 40:
            watcher.stop()
    writer.join()
    assert heard[:20] == [("ADDED", f"heard-{n}") for n in range(20)]
    assert sorted(heard[20:]) == sorted(("DELETED", f"heard-{n}") for n in range(20))


def test_lists_come_in_pieces(api: client.ApiClient) -> None:
    core = client.CoreV1Api(api)
    for number in range(7):
        core.create_namespaced_secret("default", {"metadata": {"name": f"piece-{number}", "labels": {"pieces": "y"}}})
    names, more = [], None
    while more != "":
        page = core.list_namespaced_secret("default", label_selector="pieces=y", limit=3, _continue=more)
        names += [item.metadata.name for item in page.items]
        more = page.metadata._continue or ""
    assert names == [f"piece-{n}" for n in range(7)]


def test_a_deployment_is_scaled_patched_and_its_pod_executes(k8s: Cluster, api: client.ApiClient) -> None:
    apps, core = client.AppsV1Api(api), client.CoreV1Api(api)
    utils.create_from_dict(api, deployment("run"))
    apps.patch_namespaced_deployment_scale("run", "default", {"spec": {"replicas": 2}})
    eventually("both ready", lambda: apps.read_namespaced_deployment("run", "default").status.ready_replicas == 2)
    pod = core.list_namespaced_pod("default", label_selector="app=run").items[0].metadata.name
    said = stream(
        core.connect_get_namespaced_pod_exec,
        pod,
        "default",
        command=["sh", "-c", "echo out; echo err >&2; read line; echo got $line; exit 3"],
        stderr=True,
        stdin=True,
        stdout=True,
        tty=False,
        _preload_content=False,
    )
    said.write_stdin("a word\n")
    said.run_forever(timeout=20)
    assert said.read_stdout() == "out\ngot a word\n"
    assert said.read_stderr() == "err\n"
    assert said.returncode == 3
    assert core.read_namespaced_pod_log(pod, "default") == ""


def test_the_dynamic_client_finds_every_kind_and_applies(api: client.ApiClient) -> None:
    found = dynamic.DynamicClient(api)
    maps = found.resources.get(api_version="v1", kind="ConfigMap")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}, "data": {"a": "1"}}
    made = found.server_side_apply(maps, body=body, name="applied", namespace="default", field_manager="tester")
    assert made.metadata.managedFields[0].manager == "tester"
    with pytest.raises(dynamic.exceptions.ConflictError) as conflict:
        found.server_side_apply(
            maps, body=body | {"data": {"a": "2"}}, name="applied", namespace="default", field_manager="other"
        )
    assert message(conflict.value) == 'Apply failed with 1 conflict: conflict with "tester": .data.a'
    assert found.resources.get(api_version="apps/v1", kind="Deployment").subresources["scale"] is not None


def test_a_refused_object_says_which_field(api: client.ApiClient) -> None:
    wrong = deployment("wrong")
    wrong["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    with pytest.raises(ApiException) as refused:
        client.AppsV1Api(api).create_namespaced_deployment("default", wrong)
    assert refused.value.status == 422
    assert "spec.template.metadata.labels" in message(refused.value)


def test_a_service_accounts_token_says_who_it_is(k8s: Cluster, api: client.ApiClient) -> None:
    core = client.CoreV1Api(api)
    core.create_namespaced_service_account("default", {"metadata": {"name": "robot"}})
    request = client.AuthenticationV1TokenRequest(spec=client.V1TokenRequestSpec(audiences=[], expiration_seconds=600))
    token = core.create_namespaced_service_account_token("robot", "default", request).status.token
    settings = client.Configuration.get_default_copy()
    settings.cert_file = settings.key_file = None
    settings.api_key = {"authorization": f"Bearer {token}"}
    robot = client.ApiClient(settings)
    who = client.AuthenticationV1Api(robot).create_self_subject_review({}).status.user_info.username
    assert who == "system:serviceaccount:default:robot"
    with pytest.raises(ApiException) as refused:
        client.CoreV1Api(robot).list_namespaced_secret("default")
    assert 'cannot list resource "secrets"' in message(refused.value)
