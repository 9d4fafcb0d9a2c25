"""Objects in the shapes clients ask for: tables, metadata, YAML; and the warnings and errors beside them."""

from __future__ import annotations

import json

import yaml

from tests.apiserver.harness import Cluster
from tests.apiserver.samples import config_map, deployment, pod
from wherry.objects import protobuf
from wherry.objects.resource import CONFIG_MAPS, DEPLOYMENTS, PODS

PATH = "/api/v1/namespaces/demo/configmaps"
TABLE = "application/json;as=Table;v={v};g=meta.k8s.io,application/json"
PARTIAL = "application/json;as=PartialObjectMetadata{list};g=meta.k8s.io;v=v1,application/json"


async def test_a_list_as_a_table(cluster: Cluster) -> None:
    await cluster.client.create(PODS, pod("a"), "demo")
    for version in ("v1", "v1beta1"):
        _, _, table = await cluster.request("GET", "/api/v1/pods", Accept=TABLE.format(v=version))
        assert (table["kind"], table["apiVersion"]) == ("Table", f"meta.k8s.io/{version}")
        names = [column["name"] for column in table["columnDefinitions"]]
        assert names[:5] == ["Name", "Ready", "Status", "Restarts", "Age"]
        assert all(column["priority"] == 1 for column in table["columnDefinitions"][5:])
        (row,) = table["rows"]
        assert row["cells"][:4] == ["a", "0/1", "Pending", 0] or row["cells"][:3] == ["a", "0/1", "Pending"]
        assert row["object"]["kind"] == "PartialObjectMetadata"
        assert "spec" not in row["object"]


async def test_a_row_carries_what_is_asked_for(cluster: Cluster) -> None:
    await cluster.client.create(PODS, pod("a"), "demo")
    accept = TABLE.format(v="v1")
    path = "/api/v1/namespaces/demo/pods/a"
    _, _, whole = await cluster.request("GET", f"{path}?includeObject=Object", Accept=accept)
    _, _, nothing = await cluster.request("GET", f"{path}?includeObject=None", Accept=accept)
    assert whole["rows"][0]["object"]["spec"]["containers"]
    assert "object" not in nothing["rows"][0]


async def test_metadata_alone(cluster: Cluster) -> None:
    await cluster.client.create(CONFIG_MAPS, config_map("a", x="1"), "demo")
    _, _, listed = await cluster.request("GET", PATH, Accept=PARTIAL.format(list="List"))
    _, _, one = await cluster.request("GET", f"{PATH}/a", Accept=PARTIAL.format(list=""))
    assert listed["kind"] == "PartialObjectMetadataList"
    assert listed["items"][0]["metadata"]["name"] == "a"
    assert "data" not in listed["items"][0]
    assert one["kind"] == "PartialObjectMetadata"
    assert "data" not in one


async def test_a_watch_as_tables(cluster: Cluster) -> None:
    await cluster.client.create(CONFIG_MAPS, config_map("a", x="1"), "demo")
    query = "watch=1&timeoutSeconds=1&fieldSelector=metadata.name=a"
    _, _, event = await cluster.request("GET", f"{PATH}?{query}", Accept=TABLE.format(v="v1"))
    assert event["type"] == "ADDED"
    assert event["object"]["kind"] == "Table"
    assert event["object"]["rows"][0]["cells"][:2] == ["a", 1]


async def test_yaml_and_json_and_nothing_else(cluster: Cluster) -> None:
    await cluster.client.create(CONFIG_MAPS, config_map("a", x="1"), "demo")
    _, headers, text = await cluster.request("GET", f"{PATH}/a", Accept="application/yaml")
    assert headers["content-type"].startswith("application/yaml")
    assert yaml.safe_load(text)["data"] == {"x": "1"}
    protobuf_first = "application/vnd.kubernetes.protobuf,application/json"
    _, headers, _ = await cluster.request("GET", f"{PATH}/a", Accept=protobuf_first)
    assert headers["content-type"].startswith("application/json")
    status, _, body = await cluster.request("GET", f"{PATH}/a", Accept="application/vnd.kubernetes.protobuf")
    assert (status, body["reason"]) == (406, "NotAcceptable")


async def test_bodies_in_yaml_and_protobuf(cluster: Cluster) -> None:
    text = b"metadata: {name: a}\ndata: {when: 2026-01-02, 80: port, yes: y}"
    status, _, body = await cluster.request("POST", PATH, text, Content_Type="application/yaml")
    assert (status, body["data"]) == (201, {"when": "2026-01-02", "80": "port", "true": "y"})
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}, "data": {"x": "1"}}
    status, _, body = await cluster.request(
        "POST", PATH, protobuf.encode(obj), Content_Type="application/vnd.kubernetes.protobuf"
    )
    assert (status, body["data"]) == (201, {"x": "1"})
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": "other"}}
    status, _, body = await cluster.request(
        "DELETE", f"{PATH}/b", protobuf.encode(options), Content_Type="application/vnd.kubernetes.protobuf"
    )
    assert (status, body["reason"]) == (409, "Conflict")


async def test_bodies_that_cannot_be_read_are_refused(cluster: Cluster) -> None:
    for data, content_type, status in (
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"a: [", "application/yaml", 400),
        (b"a: !!binary aGVsbG8=", "application/yaml", 400),
        (b"? [a]\n: b", "application/yaml", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"x", "application/vnd.kubernetes.protobuf", 400),
        (b"{}", "application/cbor", 415),
        (b"{" + b" " * (4 << 20) + b"}", "application/json", 413),
    ):
        answered, _, body = await cluster.request("POST", PATH, data, Content_Type=content_type)
        assert (answered, body["kind"]) == (status, "Status")
    for data, content_type, status in (
        (b"{", "application/merge-patch+json", 400),
        (b"{}", "application/json", 415),
        (b"{}", "application/apply-patch+cbor", 415),
        (b"a: [", "application/apply-patch+yaml", 400),
        (b"[]", "application/apply-patch+yaml", 400),
    ):
        answered, _, body = await cluster.request("PATCH", f"{PATH}/a", data, Content_Type=content_type)
        assert (answered, body["kind"]) == (status, "Status")


async def test_unknown_fields_are_dropped_with_a_warning_or_refused(cluster: Cluster) -> None:
    body = config_map("a") | {"dta": {"x": "1"}}
    status, _, answer = await cluster.request("POST", f"{PATH}?fieldValidation=Strict", body)
    assert status == 400
    assert 'strict decoding error: unknown field "dta"' in answer["message"]
    status, headers, answer = await cluster.request("POST", PATH, body)
    assert (status, headers["warning"]) == (201, '299 - "unknown field \\"dta\\""')
    assert "dta" not in answer
    status, headers, _ = await cluster.request("POST", f"{PATH}?fieldValidation=Ignore", body | config_map("b"))
    assert status == 201
    assert "warning" not in headers
    double = b'{"metadata":{"name":"c"},"data":{"x":"1"},"data":{"y":"1"}}'
    status, _, answer = await cluster.request("POST", f"{PATH}?fieldValidation=Strict", double)
    assert status == 400
    assert 'duplicate field "data"' in answer["message"]
    assert (await cluster.request("POST", f"{PATH}?fieldValidation=Maybe", body))[0] == 422


async def test_a_dry_run_answers_like_the_real_thing_and_changes_nothing(cluster: Cluster) -> None:
    path = "/apis/apps/v1/namespaces/demo/deployments"
    status, _, made = await cluster.request("POST", f"{path}?dryRun=All", deployment("a"))
    assert (status, made["spec"]["strategy"]["type"]) == (201, "RollingUpdate")
    assert (await cluster.request("GET", f"{path}/a"))[0] == 404
    await cluster.client.create(DEPLOYMENTS, deployment("a"), "demo")
    patch = json.dumps({"spec": {"replicas": 3}}).encode()
    merge = "application/merge-patch+json"
    _, _, patched = await cluster.request("PATCH", f"{path}/a?dryRun=All", patch, Content_Type=merge)
    assert patched["spec"]["replicas"] == 3
    assert (await cluster.request("DELETE", f"{path}/a?dryRun=All"))[0] == 200
    _, _, now = await cluster.request("GET", f"{path}/a")
    assert now["spec"]["replicas"] == 1
    assert (await cluster.request("POST", f"{path}?dryRun=Some", deployment("b")))[0] == 422


async def test_one_object_in_every_version_it_is_served_in(cluster: Cluster) -> None:
    beta = {
        "metadata": {"name": "a"},
        "spec": {"rules": [{"host": "h", "http": {"paths": [{"backend": {"serviceName": "s", "servicePort": 80}}]}}]},
    }
    status, headers, _ = await cluster.request("POST", "/apis/extensions/v1beta1/namespaces/demo/ingresses", beta)
    assert status == 201
    assert "deprecated" in headers["warning"]
    _, _, v1 = await cluster.request("GET", "/apis/networking.k8s.io/v1/namespaces/demo/ingresses/a")
    assert v1["apiVersion"] == "networking.k8s.io/v1"
    backend = v1["spec"]["rules"][0]["http"]["paths"][0]["backend"]
    assert backend == {"service": {"name": "s", "port": {"number": 80}}}
    _, _, old = await cluster.request("GET", "/apis/extensions/v1beta1/ingresses")
    assert old["items"][0]["apiVersion"] == "extensions/v1beta1"
    assert old["items"][0]["spec"]["rules"][0]["http"]["paths"][0]["backend"] == {"serviceName": "s", "servicePort": 80}
    patch = {"spec": {"rules": [{"host": "other", "http": old["items"][0]["spec"]["rules"][0]["http"]}]}}
    status, _, patched = await cluster.request(
        "PATCH",
        "/apis/extensions/v1beta1/namespaces/demo/ingresses/a",
        patch,
        Content_Type="application/merge-patch+json",
    )
    assert (status, patched["spec"]["rules"][0]["host"]) == (200, "other")
