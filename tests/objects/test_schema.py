from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.objects import golden
from wherry.objects import conversion, definitions, schema
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
    result, warnings = schema.typed(obj, gvk, duplicates=schema.duplicate_fields(body.encode()))
    assert result == golden.at_rest(golden.without_nulls(answer["result"]))
    assert sorted(warnings) == sorted(answer.get("strict", []))


def test_strict_decoding_names_every_unknown_and_duplicate_field() -> None:
    body = b'{"metadata":{"name":"a","name":"b"},"spec":{"foo":1,"containers":[{"name":"c","bar":2}]}}'
    with pytest.raises(BadRequest) as caught:
        schema.typed(json.loads(body), POD, strict=True, duplicates=schema.duplicate_fields(body))
    assert caught.value.message == (
        'Pod in version "v1" cannot be handled as a Pod: strict decoding error: duplicate field "metadata.name", '
        'unknown field "spec.foo", unknown field "spec.containers[0].bar"'
    )


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
    assert used <= {f"#{name}" for name in types} | SCALARS.keys()


def test_every_type_can_be_read_from_an_empty_object() -> None:
    for type_ in definitions.load().types.values():
        assert isinstance(conversion.struct(type_)({}, [], ""), dict)
