from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.objects import golden
from wherry.objects import conversion, definitions, repeats, schema
from wherry.objects.errors import BadRequest
from wherry.objects.scalars import SCALARS

POD = ("", "v1", "Pod")


@pytest.mark.parametrize(("given", "answer"), golden.table("typing.json"))
def test_an_object_is_typed_as_the_go_types_do(given: list[str], answer: dict[str, Any]) -> None:
    body = given[0]
    obj = json.loads(body)
    gvk = definitions.gvk_of(obj)
    if "error" in answer:
        with pytest.raises(BadRequest) as caught:
            schema.typed(obj, gvk)
        prefix = f'{gvk[2]} in version "{gvk[1]}" cannot be handled as a {gvk[2]}: '
        assert caught.value.message == prefix + answer["error"]
        return
    result, warnings = schema.typed(repeats.read(body.encode()), gvk)
    assert result == golden.at_rest(golden.without_nulls(answer["result"]))
    assert warnings == answer.get("strict", [])


def test_strict_decoding_names_every_unknown_and_duplicate_field() -> None:
    """In the order of the document, each once; an unknown field given twice is unknown and nothing else."""
    body = (
        b'{"spec":{"foo":1,"containers":[{"name":"c","bar":2,"image":"a","image":"b"}],"foo":2,"nodeName":"a",'
        b'"nodeName":"b"},"metadata":{"name":"a","name":"b","labels":{"x":"1","x":"2"}},"baz":1}'
    )
    with pytest.raises(BadRequest) as caught:
        schema.typed(repeats.read(body), POD, strict=True)
    assert caught.value.message == (
        'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.foo", '
        'unknown field "spec.containers[0].bar", duplicate field "spec.containers[0].image", '
        'duplicate field "spec.nodeName", duplicate field "metadata.name", duplicate field "metadata.labels.x", '
        'unknown field "baz"'
    )


def test_of_a_field_given_twice_the_last_one_counts() -> None:
    body = b'{"metadata":{"name":"a","name":"b","labels":{"x":null,"x":"2"}},"spec":{"nodeName":null,"nodeName":"n"}}'
    typed, warnings = schema.typed(repeats.read(body), POD)
    assert (typed["metadata"]["name"], typed["metadata"]["labels"], typed["spec"]["nodeName"]) == ("b", {"x": "2"}, "n")
    assert len(warnings) == 3
    assert all(type(key) is str for key in (*typed["spec"], *typed["metadata"]["labels"]))


def test_fields_given_twice_are_found_where_nobody_knows_the_types() -> None:
    body = b'{"spec":{"a":1,"a":2,"b":[{"c":1,"c":2}]},"spec":{}}'
    gvk = ("example.com", "v1", "Widget")
    wanted = ['duplicate field "spec.a"', 'duplicate field "spec.b[0].c"', 'duplicate field "spec"']
    assert schema.typed(repeats.read(body), gvk)[1] == wanted


def test_metadata_has_a_type_where_nothing_else_has() -> None:
    obj = {"metadata": {"name": "a", "labels": {"x": None}, "odd": 1}, "spec": {"odd": None}}
    typed, warnings = schema.typed(obj, ("example.com", "v1", "Widget"))
    assert typed == {"metadata": {"name": "a", "labels": {"x": ""}}, "spec": {"odd": None}}
    assert warnings == ['unknown field "metadata.odd"']
    with pytest.raises(BadRequest, match="cannot unmarshal string into Go"):
        schema.typed({"metadata": "a"}, ("example.com", "v1", "Widget"))


@pytest.mark.parametrize(
    ("kind", "obj", "wanted"),
    [
        ("ConfigMap", {"data": {"a": None}, "binaryData": {"b": None}}, {"data": {"a": ""}, "binaryData": {"b": ""}}),
        ("Secret", {"data": {"a": None}}, {"data": {"a": ""}}),
        (
            "LimitRange",
            {"spec": {"limits": [{"max": {"cpu": None}}]}},
            {"spec": {"limits": [{"max": {"cpu": "0"}, "type": ""}]}},
        ),
    ],
)
def test_a_null_in_a_map_is_the_zero_of_its_type(kind: str, obj: dict[str, Any], wanted: dict[str, Any]) -> None:
    typed, _ = schema.typed({"metadata": {}} | obj, ("", "v1", kind))
    assert {key: typed[key] for key in wanted} == wanted


def test_pruning_drops_unknown_fields_and_leaves_its_argument_alone() -> None:
    obj = {"metadata": {"name": "a"}, "spec": {"foo": 1, "nodeName": "n"}}
    before = json.dumps(obj)
    assert schema.typed(obj, POD)[0]["spec"] == {"nodeName": "n"}
    assert json.dumps(obj) == before


def test_a_body_that_is_no_object_is_refused() -> None:
    with pytest.raises(BadRequest, match="cannot unmarshal array into Go value of type"):
        schema.typed([], POD)  # type: ignore[arg-type]


def test_a_kind_without_a_schema_passes_unchanged() -> None:
    obj = {"apiVersion": "example.com/v1", "kind": "Widget", "spec": {"anything": [None, {}]}}
    assert schema.typed(obj, definitions.gvk_of(obj)) == (obj, [])


def test_managed_fields_and_embedded_objects_are_not_looked_into() -> None:
    fields = {"f:spec": {"f:containers": {'k:{"name":"a"}': {".": {}}}}}
    obj = {"metadata": {"managedFields": [{"manager": "m", "fieldsV1": fields}]}}
    assert schema.typed(obj, POD)[0]["metadata"]["managedFields"][0]["fieldsV1"] == fields


def test_the_kinds_a_cluster_needs_are_in_the_schema() -> None:
    needed = {
        "v1": "Pod Service Endpoints Event DeleteOptions Status",
        "apps/v1": "Deployment DeploymentList DaemonSet ReplicaSet ControllerRevision",
        "batch/v1": "Job",
        "discovery.k8s.io/v1": "EndpointSlice",
        "networking.k8s.io/v1": "Ingress IngressClass",
        "networking.k8s.io/v1beta1": "Ingress",
        "extensions/v1beta1": "Ingress",
        "rbac.authorization.k8s.io/v1": "Role",
        "rbac.authorization.k8s.io/v1beta1": "Role",
        "coordination.k8s.io/v1": "Lease",
        "policy/v1": "Eviction",
        "storage.k8s.io/v1": "StorageClass",
        "authentication.k8s.io/v1": "TokenReview",
        "authorization.k8s.io/v1": "SubjectAccessReview",
        "events.k8s.io/v1": "Event",
        "autoscaling/v1": "Scale",
        "scheduling.k8s.io/v1": "PriorityClass",
        "admissionregistration.k8s.io/v1": "ValidatingWebhookConfiguration",
        "certificates.k8s.io/v1": "CertificateSigningRequest",
        "meta.k8s.io/v1": "Table",
    }
    gvks = [
        definitions.gvk_of({"apiVersion": version, "kind": kind})
        for version, kinds in needed.items()
        for kind in kinds.split()
    ]
    assert [gvk for gvk in gvks if definitions.of_kind(gvk) is None] == []


def test_every_type_referred_to_is_there_and_every_expression_has_a_converter() -> None:
    types = definitions.load().types
    used = {re.sub(r"^(\[\]|map:|items:)+", "", field.type) for type_ in types.values() for field in type_.fields}
    assert used <= {f"#{name}" for name in types} | SCALARS.keys() | definitions.UNIONS.keys()


def test_every_type_can_be_read_from_an_empty_object() -> None:
    for type_ in definitions.load().types.values():
        assert isinstance(conversion.struct(type_)({}, [], ""), dict)
