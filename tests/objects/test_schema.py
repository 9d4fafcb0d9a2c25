from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.objects import golden
from wherry.objects import conversion, definitions, schema
from wherry.objects.errors import BadRequest

POD = ("", "v1", "Pod")


@pytest.mark.parametrize(("given", "answer"), golden.table("typing.json"))
def test_an_object_is_typed_as_the_go_types_do(given: list[str], answer: dict[str, Any]) -> None:
    body = given[0]
    obj = json.loads(body)
    gvk = schema.gvk_of(obj)
    if "error" in answer:
        with pytest.raises(BadRequest) as caught:
            schema.typed(obj, gvk)
        prefix = f'{gvk[2]} in version "{gvk[1]}" cannot be handled as a {gvk[2]}: '
        assert caught.value.message == prefix + answer["error"]
        return
    result, warnings = schema.typed(obj, gvk, duplicates=schema.duplicate_fields(body.encode()))
    assert result == as_we_keep_it(golden.without_nulls(answer["result"]))
    assert sorted(warnings) == sorted(answer.get("strict", []))


def as_we_keep_it(value: Any) -> Any:
    """Drop the zero IntOrString and quantity that Go writes for an absent one (`targetPort: 0`, `divisor: "0"`)."""
    if isinstance(value, dict):
        return {k: as_we_keep_it(v) for k, v in value.items() if (k, v) not in (("targetPort", 0), ("divisor", "0"))}
    if isinstance(value, list):
        return [as_we_keep_it(v) for v in value]
    return value


def test_strict_decoding_names_every_unknown_and_duplicate_field() -> None:
    body = b'{"metadata":{"name":"a","name":"b"},"spec":{"foo":1,"containers":[{"name":"c","bar":2}]}}'
    with pytest.raises(BadRequest) as caught:
        schema.check(json.loads(body), POD, strict=True, duplicates=schema.duplicate_fields(body))
    assert caught.value.message == (
        'Pod in version "v1" cannot be handled as a Pod: strict decoding error: duplicate field "metadata.name", '
        'unknown field "spec.foo", unknown field "spec.containers[0].bar"'
    )


def test_pruning_drops_unknown_fields_and_leaves_its_argument_alone() -> None:
    obj = {"metadata": {"name": "a"}, "spec": {"foo": 1, "nodeName": "n"}}
    before = json.dumps(obj)
    assert schema.prune(obj, POD)["spec"] == {"nodeName": "n"}
    assert json.dumps(obj) == before


def test_a_body_that_is_no_object_is_refused() -> None:
    with pytest.raises(BadRequest, match="cannot unmarshal array into Go value of type"):
        schema.typed([], POD)  # type: ignore[arg-type]


def test_a_kind_without_a_schema_passes_unchanged() -> None:
    obj = {"apiVersion": "example.com/v1", "kind": "Widget", "spec": {"anything": [None, {}]}}
    assert schema.typed(obj, schema.gvk_of(obj)) == (obj, [])


def test_managed_fields_and_embedded_objects_are_not_looked_into() -> None:
    fields = {"f:spec": {"f:containers": {'k:{"name":"a"}': {".": {}}}}}
    obj = {"metadata": {"managedFields": [{"manager": "m", "fieldsV1": fields}]}}
    assert schema.prune(obj, POD)["metadata"]["managedFields"][0]["fieldsV1"] == fields


@pytest.mark.parametrize(
    "gvk",
    [
        ("", "v1", "Pod"),
        ("apps", "v1", "Deployment"),
        ("batch", "v1", "Job"),
        ("discovery.k8s.io", "v1", "EndpointSlice"),
        ("networking.k8s.io", "v1", "Ingress"),
        ("networking.k8s.io", "v1beta1", "Ingress"),
        ("extensions", "v1beta1", "Ingress"),
        ("rbac.authorization.k8s.io", "v1", "Role"),
        ("coordination.k8s.io", "v1", "Lease"),
        ("policy", "v1", "Eviction"),
        ("storage.k8s.io", "v1", "StorageClass"),
        ("authentication.k8s.io", "v1", "TokenReview"),
        ("authorization.k8s.io", "v1", "SubjectAccessReview"),
        ("events.k8s.io", "v1", "Event"),
        ("autoscaling", "v1", "Scale"),
        ("scheduling.k8s.io", "v1", "PriorityClass"),
        ("admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration"),
        ("certificates.k8s.io", "v1", "CertificateSigningRequest"),
        ("meta.k8s.io", "v1", "Table"),
        ("", "v1", "DeleteOptions"),
        ("", "v1", "Status"),
        ("apps", "v1", "DeploymentList"),
    ],
)
def test_the_kinds_a_cluster_needs_are_in_the_schema(gvk: schema.GroupVersionKind) -> None:
    assert schema.of_kind(gvk) is not None


def test_every_type_referred_to_is_there_and_every_expression_has_a_converter() -> None:
    loaded = definitions.load()
    for name in loaded.types:
        conversion.struct(name)({}, [], "")
        for field in loaded.types[name].json.values():
            conversion_of(field)


def conversion_of(field: schema.Field) -> None:

    assert conversion._converter(field.type, field.go or definitions.load().go_type(field.type))


def test_importing_the_package_reads_no_schema() -> None:
    program = (
        "import sys, wherry.objects.patch, wherry.objects.protobuf, wherry.objects.definitions as d;"
        "sys.exit(d.load.cache_info().currsize)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
