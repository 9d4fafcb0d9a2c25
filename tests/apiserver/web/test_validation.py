"""What `fieldValidation` says of fields that are unknown or given twice: in upstream's words and order."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.apiserver.harness import Cluster
from tests.apiserver.samples import config_map

PATH = "/api/v1/namespaces/demo/configmaps"
JSON = b'{"zzz":1,"data":{"a":"1","b":"2","a":"3"},"metadata":{"name":"x","name":"y","odd":1},"aaa":1,"zzz":2}'
YAML = b"""
zzz: 1
data:
  a: "1"
  b: "2"
  a: "3"
metadata:
  name: y
  odd: 1
aaa: 1
zzz: 2
"""
OF_JSON = [
    'unknown field "zzz"',
    'duplicate field "data.a"',
    'duplicate field "metadata.name"',
    'unknown field "metadata.odd"',
    'unknown field "aaa"',
]
OF_YAML = [
    'yaml: unmarshal errors:\n  line 6: key "a" already set in map\n  line 11: key "zzz" already set in map',
    'unknown field "aaa"',
    'unknown field "metadata.odd"',
    'unknown field "zzz"',
]
BODIES = [("application/json", JSON, OF_JSON), ("application/yaml", YAML, OF_YAML)]


@pytest.mark.parametrize(("content_type", "body", "complaints"), BODIES, ids=["json", "yaml"])
async def test_a_strict_create_names_all_in_order(
    cluster: Cluster, content_type: str, body: bytes, complaints: list[str]
) -> None:
    """JSON in the order of the document; YAML is made JSON first, which sorts it and tells of repetitions apart."""
    status, _, answer = await cluster.request("POST", f"{PATH}?fieldValidation=Strict", body, Content_Type=content_type)
    assert status == 400
    start = 'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: '
    assert answer["message"] == start + ", ".join(complaints)


@pytest.mark.parametrize(("content_type", "body", "complaints"), BODIES, ids=["json", "yaml"])
async def test_what_is_not_refused_is_warned_of_and_the_last_value_counts(
    cluster: Cluster, content_type: str, body: bytes, complaints: list[str]
) -> None:
    path = PATH if content_type == "application/json" else f"{PATH}?fieldValidation=Warn"  # the default
    status, headers, made = await cluster.request("POST", path, body, Content_Type=content_type)
    assert (status, made["data"], made["metadata"]["name"]) == (201, {"a": "3", "b": "2"}, "y")
    last = complaints[-1].replace('"', '\\"')
    assert headers["warning"] == f'299 - "{last}"'
    assert "zzz" not in made


@pytest.mark.parametrize("kind", ["merge-patch", "strategic-merge-patch"])
async def test_a_patch_that_gives_a_field_twice_is_refused_when_strict(cluster: Cluster, kind: str) -> None:
    await cluster.request("POST", PATH, config_map("a", x="1"))
    body, content_type = b'{"data":{"x":"2","x":"3"},"odd":1}', f"application/{kind}+json"
    strict = await cluster.request("PATCH", f"{PATH}/a?fieldValidation=Strict", body, Content_Type=content_type)
    assert strict[0] == 400
    assert re.search(r'strict decoding error: duplicate field "data.x", unknown field "odd"$', strict[2]["message"])
    lax: tuple[int, Any, Any] = await cluster.request("PATCH", f"{PATH}/a", body, Content_Type=content_type)
    assert (lax[0], lax[2]["data"]) == (200, {"x": "3"})


async def test_a_number_that_json_does_not_have_is_refused_in_yaml_too(cluster: Cluster) -> None:
    body = b"metadata: {name: a}\ndata: {x: .inf}\n"
    status, _, answer = await cluster.request("POST", PATH, body, Content_Type="application/yaml")
    assert status == 400
    assert "json: unsupported value" in answer["message"]


@pytest.mark.parametrize(("query", "warned"), [("", True), ("?fieldValidation=Ignore", False)])
async def test_who_does_not_ask_is_warned_and_who_declines_is_not(cluster: Cluster, query: str, warned: bool) -> None:
    body = b'{"metadata":{"name":"a"},"data":{"x":"1","x":"2"}}'
    status, headers, _ = await cluster.request("POST", PATH + query, body)
    assert status == 201
    assert ("duplicate field" in headers.get("warning", "")) is warned
